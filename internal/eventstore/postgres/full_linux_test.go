package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// TestFullDiskIsNotWritten fills the disk of the events. That needs the right to mount a file
// system; without it a trigger raises the error of a full disk.
func TestFullDiskIsNotWritten(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	c := postgrestest.NewCluster(t)
	dsn := c.DSN("postgres")
	s, other := mustOpen(t, dsn, Options{}), connect(t, dsn)
	head := mustAppend(t, s, eventstore.Head{}, 1)

	disk := filepath.Join(filepath.Dir(c.Dir()), "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	owner := ownerOf(t, c.Dir())
	options := fmt.Sprintf("size=2m,mode=700,uid=%d,gid=%d", owner.Uid, owner.Gid)
	clear := `alter table events set tablespace pg_default`
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, options); err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
		other.exec(`create tablespace small location '` + disk + `'`)
		other.exec(`alter table events set tablespace small`)
	} else {
		other.exec(`create function full_disk() returns trigger language plpgsql as
			$$ begin raise 'No space left on device' using errcode = '53100'; end $$`)
		other.exec(`create trigger full_disk before insert on events for each row when (new.position > 5) execute function full_disk()`)
		clear = `drop trigger full_disk on events`
	}

	var err error
	for err == nil && head.Seq < 1000 {
		large := records(head, 1)
		large[0].Data = other.text(`select string_agg(md5(random()::text), '') from generate_series(1, 1000)`)
		if err = s.Append(t.Context(), head, large); err == nil {
			head = headOf(large)
		}
	}
	if !errors.Is(err, eventstore.ErrNotWritten) || !strings.Contains(err.Error(), "(SQLSTATE 53100)") {
		t.Fatalf("appending to a full disk: got %v, want %q", err, eventstore.ErrNotWritten)
	}
	mustHaveHead(t, s, head)
	other.exec(clear)
	mustHaveHead(t, s, mustAppend(t, s, head, 1))
}

func ownerOf(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t)
}
