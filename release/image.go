package main

import (
	"bytes"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	// imageUser is the user and the group of the image, as a number: Kubernetes can only then check
	// that it is not root.
	imageUser     = "65532:65532"
	imageUserID   = 65532
	dataFolder    = "var/lib/configapi"
	caFile        = "etc/ssl/certs/ca-certificates.crt"
	refAnnotation = "org.opencontainers.image.ref.name"
)

// writeImage writes an OCI layout with one index, which has an image for each program, and packs it
// into an archive.
func writeImage(out string, programs []*Program) error {
	first := programs[0]
	base, err := layerOf(time.Unix(0, 0), baseEntries())
	if err != nil {
		return err
	}
	var index v1.ImageIndex = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range programs {
		image, err := imageOf(base, p)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.System, Architecture: p.Processor}},
		})
	}
	folder, err := os.MkdirTemp(out, "configapi-layout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	written, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	if err := written.AppendIndex(index, layout.WithAnnotations(map[string]string{refAnnotation: first.release()})); err != nil {
		return err
	}
	return packLayout(folder, filepath.Join(out, "configapi-"+first.release()+"-oci.tar"), first.Time)
}

// packLayout packs a layout into an archive.
func packLayout(folder, path string, when time.Time) error {
	var entries []entry
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, found fs.DirEntry, err error) error {
		if err != nil || found.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		entries = append(entries, file(name, 0o644, content))
		return err
	})
	if err != nil {
		return err
	}
	archive, err := tarOf("", when, entries)
	if err != nil {
		return err
	}
	return os.WriteFile(path, archive, 0o644)
}

// baseEntries are what the program needs beside itself: a name for its user, the authorities of
// certificates, with which it checks PostgreSQL's, and the one folder that it writes to. It
// needs no time zones, since it works in UTC, and no folder for temporary files.
func baseEntries() []entry {
	data := folder(dataFolder)
	data.mode, data.owner = fs.ModeDir|0o700, imageUserID
	return []entry{
		file("etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/sbin/nologin\nconfigapi:x:65532:65532:ConfigApi:/var/lib/configapi:/sbin/nologin\n")),
		file("etc/group", 0o644, []byte("root:x:0:\nconfigapi:x:65532:\n")),
		file(caFile, 0o644, authorities()),
		data,
	}
}

// authorities returns Mozilla's list of authorities in PEM. It leaves out those that are trusted
// for some certificates alone, which a list cannot say.
func authorities() []byte {
	var list bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&list, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // to a buffer: cannot fail
		}
	}
	return list.Bytes()
}

func layerOf(when time.Time, entries []entry) (v1.Layer, error) {
	archive, err := tarOf("", when, entries)
	if err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }
	return tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// imageOf returns the image of a program. The layer below it is the same in each release, so it is
// fetched once.
func imageOf(base v1.Layer, p *Program) (v1.Image, error) {
	content, err := os.ReadFile(p.Path)
	if err != nil {
		return nil, err
	}
	program, err := layerOf(p.Time, []entry{file("usr/bin/configapi", 0o755, content)})
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: p.System, Architecture: p.Processor, Created: v1.Time{Time: p.Time}, RootFS: v1.RootFS{Type: "layers"}, Config: configOf(p),
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(image,
		mutate.Addendum{Layer: base, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: p.Time}, CreatedBy: "base"}},
		mutate.Addendum{Layer: program, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: p.Time}, CreatedBy: "configapi " + p.Version}})
}

// configOf says how a container runs. It listens on all addresses, so a server that has no token
// refuses to serve, unless that is allowed.
func configOf(p *Program) v1.Config {
	return v1.Config{
		User:         imageUser,
		Entrypoint:   []string{"/usr/bin/configapi"},
		Cmd:          []string{"serve"},
		WorkingDir:   "/" + dataFolder,
		Env:          []string{"PATH=/usr/bin", "CONFIGAPI_LISTEN=:4000", "CONFIGAPI_STORE=sqlite:/" + dataFolder + "/configapi.db"},
		ExposedPorts: map[string]struct{}{"4000/tcp": {}},
		Volumes:      map[string]struct{}{"/" + dataFolder: {}},
		StopSignal:   "SIGTERM",
		Labels: map[string]string{
			"org.opencontainers.image.title":       "ConfigApi",
			"org.opencontainers.image.description": description,
			"org.opencontainers.image.version":     p.release(),
			"org.opencontainers.image.revision":    p.Commit,
			"org.opencontainers.image.created":     p.Time.Format(time.RFC3339),
		},
	}
}
