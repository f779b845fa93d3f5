package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// members are the files of an archive.
type members map[string]member // :: name → what it has

type member struct {
	*tar.Header
	content []byte
}

func mustUntar(t *testing.T, archive io.Reader) members {
	t.Helper()
	found := members{}
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		content, failed := io.ReadAll(r)
		if err := errors.Join(err, failed); err != nil {
			t.Fatal(err)
		}
		found[header.Name] = member{header, content}
	}
}

// mustGet returns what a descriptor points to, once its digest and its size are checked.
func (m members) mustGet(t *testing.T, d v1.Descriptor) []byte {
	t.Helper()
	blob, is := m["blobs/sha256/"+d.Digest.Hex]
	if !is || d.Digest.Algorithm != "sha256" || int64(len(blob.content)) != d.Size || fmt.Sprintf("%x", sha256.Sum256(blob.content)) != d.Digest.Hex {
		t.Fatalf("the layout does not have %+v as it is described", d)
	}
	delete(m, "blobs/sha256/"+d.Digest.Hex)
	return blob.content
}

func mustParse[T any](t *testing.T, text []byte) (parsed T) {
	t.Helper()
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return parsed
}

// TestImage follows the layout from its index to the last layer, and runs what it has.
func TestImage(t *testing.T) {
	archive := mustUntar(t, bytes.NewReader(mustReadFile(t, fileOf(t, "-oci.tar"))))
	if got := string(archive["oci-layout"].content); !strings.Contains(got, `"1.0.0"`) {
		t.Errorf("got oci-layout %q", got)
	}
	outer := mustParse[v1.IndexManifest](t, archive["index.json"].content)
	if len(outer.Manifests) != 1 || outer.Manifests[0].Annotations[refAnnotation] != strings.TrimPrefix(made.Version, "v") {
		t.Fatalf("got %+v, want one index with the version as its name", outer)
	}
	index := mustParse[v1.IndexManifest](t, archive.mustGet(t, outer.Manifests[0]))
	if len(index.Manifests) != 1 || index.Manifests[0].Platform.String() != "linux/amd64" {
		t.Fatalf("got %+v, want one image for linux/amd64", index)
	}
	manifest := mustParse[v1.Manifest](t, archive.mustGet(t, index.Manifests[0]))
	config := mustParse[v1.ConfigFile](t, archive.mustGet(t, manifest.Config))
	root := members{}
	for i, layer := range manifest.Layers {
		unpacked, err := gzip.NewReader(bytes.NewReader(archive.mustGet(t, layer)))
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != config.RootFS.DiffIDs[i].Hex {
			t.Errorf("layer %d has the digest %s unpacked, want %s", i, got, config.RootFS.DiffIDs[i].Hex)
		}
		maps.Copy(root, mustUntar(t, bytes.NewReader(content)))
	}
	if rest := slices.Sorted(maps.Keys(archive)); !slices.Equal(rest, []string{"blobs/", "blobs/sha256/", "index.json", "oci-layout"}) {
		t.Errorf("the layout has %v that nothing points to", rest)
	}
	checkConfig(t, config)
	checkRoot(t, root)
	runImage(t, config, root)
}

func checkConfig(t *testing.T, config v1.ConfigFile) {
	t.Helper()
	c := config.Config
	_, writable := c.Volumes["/var/lib/configapi"]
	if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/usr/bin/configapi"}) || !slices.Equal(c.Cmd, []string{"serve"}) || !writable || len(c.Volumes) != 1 {
		t.Errorf("got %+v, want a user that is not root, and one folder to write to", c)
	}
	if !config.Created.Equal(made.Time) || c.Labels["org.opencontainers.image.revision"] != made.Commit || c.Labels["org.opencontainers.image.version"] != strings.TrimPrefix(made.Version, "v") {
		t.Errorf("got %v and %v, want those of the commit %s", config.Created, c.Labels, made.Commit)
	}
}

// checkRoot: all that the user of the image owns is its folder for data, nothing has the rights of
// its owner, and the certificates of authorities are ones that Go reads.
func checkRoot(t *testing.T, root members) {
	t.Helper()
	for name, m := range root {
		if owned := m.Uid == imageUserID; owned != (name == dataFolder+"/") || m.Mode&0o7022 != 0 {
			t.Errorf("%s belongs to %d and has the mode %o", name, m.Uid, m.Mode)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root[caFile].content) || strings.Count(string(root[caFile].content), "BEGIN CERT") < 50 {
		t.Error("the image has no certificates of authorities")
	}
}

// runImage runs the image as a container would: in a root that cannot be written to, as its user.
// It makes a first token, serves until it answers, and stops.
func runImage(t *testing.T, config v1.ConfigFile, root members) {
	t.Helper()
	folder := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(root)) {
		m, target := root[name], filepath.Join(folder, filepath.FromSlash(name))
		var err error
		if m.Typeflag == tar.TypeDir {
			err = os.Mkdir(target, m.FileInfo().Mode().Perm())
		} else {
			err = os.WriteFile(target, m.content, m.FileInfo().Mode().Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	script := filepath.Join(t.TempDir(), "container.sh")
	if err := os.WriteFile(script, []byte(container), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := append(slices.Clone(config.Config.Env), "CONFIGAPI_LISTEN=127.0.0.1:0")
	args := append([]string{"--mount", "bash", script, folder, config.Config.User, config.Config.Entrypoint[0]}, environment...)
	t.Log(string(asRoot(t, "unshare", args...)))
}

// container makes ROOT read-only but for a file system at /var/lib/configapi, and runs the PROGRAM
// there as USER, with the settings that follow.
const container = `set -euo pipefail
root=$1 user=$2 program=$3
shift 3
mount --bind "$root" "$root"
mount -t tmpfs -o "uid=${user%:*},gid=${user#*:},mode=700" data "$root/var/lib/configapi"
mount -o remount,bind,ro "$root"
! touch "$root/written" 2>/dev/null || { echo "the root can be written to" >&2; exit 1; }
inside() { chroot --userspec="$user" "$root" "$program" "$@"; }
export -n $(compgen -e | grep -v -e '^PATH$') || true
for setting in "$@"; do [[ $setting = PATH=* ]] || export "${setting?}"; done

exposed=0
CONFIGAPI_LISTEN=:0 inside serve --log json >/dev/null 2>"/dev/shm/configapi-$$.log" || exposed=$?
grep -q 'no token was ever issued' "/dev/shm/configapi-$$.log" || { cat "/dev/shm/configapi-$$.log" >&2; exit 1; }
[ "$exposed" != 0 ]
[[ $(inside token create admin --grant READ,WRITE,ADMIN: --store "$CONFIGAPI_STORE") = cfg_* ]]

began=$(date +%s%N)
chroot --userspec="$user" "$root" "$program" serve --log json 2>"/dev/shm/configapi-$$.log" &
server=$!
trap 'kill -9 $server 2>/dev/null || true; rm -f "/dev/shm/configapi-$$.log"' EXIT
until address=$(sed -n 's/.*"msg":"serving","address":"\([^"]*\)".*/\1/p' "/dev/shm/configapi-$$.log") && [ -n "$address" ] &&
	exec 3<>"/dev/tcp/${address%:*}/${address##*:}" && printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3 && head -1 <&3 | grep -q ' 200 '; do
	[ $SECONDS -lt 60 ] && kill -0 $server || { cat "/dev/shm/configapi-$$.log" >&2; exit 1; }
done
echo "ready after $(( ($(date +%s%N) - began) / 1000000 )) ms, as the user $(awk '/^Uid/ { print $2 }' /proc/$server/status)"
[ "$(awk '/^Uid/ { print $2 }' /proc/$server/status)" = "${user%:*}" ]
kill $server
wait $server
`
