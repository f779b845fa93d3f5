package sqlite

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// disk is a disk that can fail and lose its power, below a VFS of SQLite.
//
// The files are real: a process reads what was written. Besides, disk keeps what is really on it. A
// successful fsync writes the dirty pages of a file. A failed fsync writes some of them and marks
// all as clean, as Linux does: no later fsync writes them unless they are written again. A power
// cut keeps some of the dirty pages.
type disk struct {
	vfs string

	mu      sync.Mutex // guards what is below
	random  *rand.Rand
	files   map[string]*platter // :: path → file
	failing bool                // fsync fails
	spares  string              // a file whose fsync succeeds all the same; "" for none
	cut     func()              // called once, instead of the operation that ends the countdown
	left    int                 // operations until cut is called
}

// platter is one file of a disk.
type platter struct {
	cached  []byte         // what reads see
	written []byte         // what a power cut leaves
	dirty   map[int64]bool // the pages of cached that are not in written
	resized bool           // cached and written differ in length
}

const cachePage = 4096

// under returns the options of a store on the disk.
func (d *disk) under(o Options) Options {
	o.vfs, o.openLog = d.vfs, d.open
	return o
}

// fail makes each fsync fail from now on, or succeed again. That of the file spares always does.
func (d *disk) fail(failing bool, spares string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing, d.spares = failing, spares
}

// cutAfter calls f after n operations, in the middle of the next one.
func (d *disk) cutAfter(n int, f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.cut = n, f
}

// step counts an operation. The caller holds the mutex.
func (d *disk) step() {
	d.left--
	if d.left == 0 && d.cut != nil {
		d.cut()
	}
}

// kill returns a copy of the file at path and its log as a kill -9 leaves them: nothing of the page
// cache is lost.
func (d *disk) kill(t testing.TB, path, to string) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copy(t, path, to, func(p *platter) *platter {
		return &platter{clone(p.cached), clone(p.written), maps.Clone(p.dirty), p.resized}
	})
}

// powerCut returns a copy of the file at path and its log as a power cut leaves them.
func (d *disk) powerCut(t testing.TB, path, to string) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.powerCutLocked(t, path, to)
}

func (d *disk) powerCutLocked(t testing.TB, path, to string) string {
	t.Helper()
	return d.copy(t, path, to, func(p *platter) *platter {
		left := &platter{cached: p.cached, written: clone(p.written), dirty: maps.Clone(p.dirty), resized: p.resized}
		left.flush(d.some())
		return &platter{cached: clone(left.written), written: left.written, dirty: map[int64]bool{}}
	})
}

func (d *disk) copy(t testing.TB, path, to string, each func(*platter) *platter) string {
	t.Helper()
	to = filepath.Join(to, filepath.Base(path))
	for _, suffix := range []string{"", "-wal", "-journal"} {
		p := d.files[path+suffix]
		if p == nil {
			continue
		}
		d.files[to+suffix] = each(p)
		if err := os.WriteFile(to+suffix, d.files[to+suffix].cached, 0o600); err != nil {
			t.Error(err)
		}
	}
	return to
}

// some returns a function that says for each page whether it reaches the disk: none, all, or a
// random half.
func (d *disk) some() func() bool {
	chance := []float64{0, 0.5, 1}[d.random.IntN(3)]
	return func() bool { return d.random.Float64() < chance }
}

// flush writes the dirty pages for which lucky returns true.
func (p *platter) flush(lucky func() bool) {
	if p.resized && lucky() {
		p.resize()
	}
	for page := range p.dirty {
		from := page * cachePage
		if from >= int64(len(p.cached)) || !lucky() {
			continue
		}
		to := min(from+cachePage, int64(len(p.cached)))
		if missing := to - int64(len(p.written)); missing > 0 {
			p.written = append(p.written, make([]byte, missing)...)
		}
		copy(p.written[from:to], p.cached[from:to])
	}
	clear(p.dirty)
}

func (p *platter) resize() {
	p.resized = false
	if len(p.written) > len(p.cached) {
		p.written = p.written[:len(p.cached)]
		return
	}
	p.written = append(p.written, make([]byte, len(p.cached)-len(p.written))...)
}

func (p *platter) write(b []byte, at int64) {
	end := at + int64(len(b))
	if missing := end - int64(len(p.cached)); missing > 0 {
		p.cached, p.resized = append(p.cached, make([]byte, missing)...), true
	}
	copy(p.cached[at:], b)
	for page := at / cachePage; page*cachePage < end; page++ {
		p.dirty[page] = true
	}
}

func (d *disk) wrote(path string, b []byte, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.step()
	d.file(path).write(b, at)
}

func (d *disk) truncated(path string, size int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.step()
	p := d.file(path)
	if size < int64(len(p.cached)) {
		p.cached, p.resized = p.cached[:size], true
	}
}

// synced does an fsync, and reports whether it succeeds.
func (d *disk) synced(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.step()
	p := d.file(path)
	if d.failing && path != d.spares {
		p.flush(d.some())
		return false
	}
	p.resize()
	p.flush(func() bool { return true })
	return true
}

func (d *disk) removed(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, path)
}

// file returns a file of the disk. The caller holds the mutex.
func (d *disk) file(path string) *platter {
	p := d.files[path]
	if p == nil {
		p = &platter{dirty: make(map[int64]bool)}
		d.files[path] = p
	}
	return p
}

// open opens the log for a store on this disk.
func (d *disk) open(path string) (logFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	return &diskFile{f, d, path}, err
}

type diskFile struct {
	*os.File
	disk *disk
	path string
}

func (f *diskFile) WriteAt(b []byte, at int64) (int, error) {
	f.disk.wrote(f.path, b, at)
	return f.File.WriteAt(b, at)
}

func (f *diskFile) Sync() error {
	if !f.disk.synced(f.path) {
		return fmt.Errorf("fsync %s: input/output error", f.path)
	}
	return nil
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }

// Functions that SQLite calls, and their arguments.
type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	writeFunc    = func(tls *libc.TLS, file, buffer uintptr, n int32, at int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, file uintptr, flags int32) int32
)

// in returns a pointer to an address in SQLite's memory.
func in[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// function returns the function in a field.
func function[F any](field uintptr) F {
	holder := &struct{ f uintptr }{field}
	return *(*F)(unsafe.Pointer(holder))
}

func set[F any](field *uintptr, f F) { *(*F)(unsafe.Pointer(field)) = f }

// disks are all disks ever made: SQLite keeps pointers to their functions.
var disks struct {
	sync.Mutex
	all []any
}

// newDisk registers a disk below a VFS of its own. With noLog the VFS has no shared memory, so no
// database on it can be in WAL mode.
func newDisk(t testing.TB, seed uint64, noLog bool) *disk {
	t.Helper()
	disks.Lock()
	defer disks.Unlock()
	d := &disk{vfs: fmt.Sprintf("disk%d", len(disks.all)), random: rand.New(rand.NewPCG(seed, 1)), files: make(map[string]*platter)}
	tls := libc.NewTLS()
	allocate := func(size uintptr) uintptr { return libc.Xcalloc(tls, 1, libc.Tsize_t(size)) }
	base := sqlite3.Xsqlite3_vfs_find(tls, 0)
	vfs := allocate(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{}))
	*in[sqlite3.Tsqlite3_vfs](vfs) = *in[sqlite3.Tsqlite3_vfs](base)
	name, err := libc.CString(d.vfs)
	if err != nil {
		t.Fatal(err)
	}
	in[sqlite3.Tsqlite3_vfs](vfs).FzName = name
	opened := &vfsFiles{disk: d, base: base, noLog: noLog, allocate: allocate, paths: make(map[uintptr]string), methods: make(map[uintptr]uintptr)}
	open, remove := opened.open, opened.delete
	set[openFunc](&in[sqlite3.Tsqlite3_vfs](vfs).FxOpen, open)
	set[deleteFunc](&in[sqlite3.Tsqlite3_vfs](vfs).FxDelete, remove)
	disks.all = append(disks.all, opened, open, remove)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, vfs, 0); rc != sqlite3.SQLITE_OK {
		t.Fatalf("registering the VFS of a disk: %d", rc)
	}
	return d
}

// vfsFiles are the files that SQLite has open on a disk.
type vfsFiles struct {
	disk     *disk
	base     uintptr // the VFS below
	noLog    bool
	allocate func(uintptr) uintptr

	mu      sync.Mutex          // guards what is below
	paths   map[uintptr]string  // :: open file → path
	methods map[uintptr]uintptr // :: methods of the VFS below → ours
	kept    []any               // functions that SQLite points to
}

func (o *vfsFiles) open(tls *libc.TLS, _, name, file uintptr, flags int32, outFlags uintptr) int32 {
	rc := function[openFunc](in[sqlite3.Tsqlite3_vfs](o.base).FxOpen)(tls, o.base, name, file, flags, outFlags)
	const kinds = sqlite3.SQLITE_OPEN_MAIN_DB | sqlite3.SQLITE_OPEN_WAL | sqlite3.SQLITE_OPEN_MAIN_JOURNAL
	if rc != sqlite3.SQLITE_OK || flags&kinds == 0 {
		return rc
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.paths[file] = libc.GoString(name)
	below := in[sqlite3.Tsqlite3_file](file).FpMethods
	if o.methods[below] == 0 {
		o.methods[below] = o.intercept(below)
	}
	in[sqlite3.Tsqlite3_file](file).FpMethods = o.methods[below]
	return rc
}

func (o *vfsFiles) delete(tls *libc.TLS, _, name uintptr, syncDir int32) int32 {
	o.disk.removed(libc.GoString(name))
	return function[deleteFunc](in[sqlite3.Tsqlite3_vfs](o.base).FxDelete)(tls, o.base, name, syncDir)
}

// intercept returns the methods of a file that report each operation to the disk. The caller holds
// the mutex.
func (o *vfsFiles) intercept(below uintptr) uintptr {
	before := *in[sqlite3.Tsqlite3_io_methods](below)
	ours := o.allocate(unsafe.Sizeof(before))
	methods := in[sqlite3.Tsqlite3_io_methods](ours)
	*methods = before
	if o.noLog {
		methods.FiVersion = 1
	}
	write := func(tls *libc.TLS, file, buffer uintptr, n int32, at int64) int32 {
		o.disk.wrote(o.path(file), libc.GoBytes(buffer, int(n)), at)
		return function[writeFunc](before.FxWrite)(tls, file, buffer, n, at)
	}
	truncate := func(tls *libc.TLS, file uintptr, size int64) int32 {
		o.disk.truncated(o.path(file), size)
		return function[truncateFunc](before.FxTruncate)(tls, file, size)
	}
	sync := func(_ *libc.TLS, file uintptr, _ int32) int32 {
		if !o.disk.synced(o.path(file)) {
			return sqlite3.SQLITE_IOERR_FSYNC
		}
		return sqlite3.SQLITE_OK
	}
	set[writeFunc](&methods.FxWrite, write)
	set[truncateFunc](&methods.FxTruncate, truncate)
	set[syncFunc](&methods.FxSync, sync)
	o.kept = append(o.kept, write, truncate, sync)
	return ours
}

func (o *vfsFiles) path(file uintptr) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSuffix(o.paths[file], "\x00")
}
