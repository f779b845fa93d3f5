package main

import (
	"bytes"
	"crypto/md5"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const description = "configuration service with a history, live changes and rights"

//go:embed debian
var debian embed.FS

// writeDeb writes the package of Debian of a program, in the format of deb(5).
func writeDeb(out string, p *Program) error {
	data, err := dataEntries(p)
	if err != nil {
		return err
	}
	control, err := controlEntries(p, data)
	if err != nil {
		return err
	}
	var deb bytes.Buffer
	deb.WriteString("!<arch>\n")
	addMember(&deb, "debian-binary", p.Time, []byte("2.0\n"))
	for _, part := range []struct {
		name    string
		entries []entry
	}{{"control.tar.gz", control}, {"data.tar.gz", data}} {
		archive, err := tarOf("./", p.Time, part.entries)
		if err == nil {
			archive, err = compressed(archive)
		}
		if err != nil {
			return err
		}
		addMember(&deb, part.name, p.Time, archive)
	}
	name := fmt.Sprintf("configapi_%s_%s.deb", debianVersion(p), p.Processor)
	return os.WriteFile(filepath.Join(out, name), deb.Bytes(), 0o644)
}

// addMember adds a member to an archive of ar.
func addMember(archive *bytes.Buffer, name string, when time.Time, content []byte) {
	fmt.Fprintf(archive, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", name, when.Unix(), 0, 0, 0o100644, len(content))
	archive.Write(content)
	if len(content)%2 == 1 {
		archive.WriteByte('\n')
	}
}

// dataEntries are the files of the package. /var/lib/configapi is made by systemd, so that it
// and the history in it stay when the package is removed.
func dataEntries(p *Program) ([]entry, error) {
	program, err := os.ReadFile(p.Path)
	if err != nil {
		return nil, err
	}
	return []entry{
		file("usr/bin/configapi", 0o755, program),
		file("usr/lib/systemd/system/configapi.service", 0o644, mustRead("configapi.service")),
		file("usr/lib/sysusers.d/configapi.conf", 0o644, mustRead("configapi.sysusers")),
		file("etc/configapi/configapi.env", 0o600, mustRead("configapi.env")), // may have a password
	}, nil
}

// controlEntries describe the package.
func controlEntries(p *Program, data []entry) ([]entry, error) {
	var sums, settings strings.Builder
	size := 0
	for _, e := range data {
		size += (len(e.content) + 1023) / 1024
		fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(e.content), e.name)
		if strings.HasPrefix(e.name, "etc/") {
			fmt.Fprintf(&settings, "/%s\n", e.name)
		}
	}
	control := fmt.Sprintf(`Package: configapi
Version: %s
Architecture: %s
Maintainer: ConfigApi <configapi@localhost>
Installed-Size: %d
Depends: systemd | systemd-standalone-sysusers
Section: admin
Priority: optional
Description: %s
 One program that is the server and its command line. The service keeps its
 history in /var/lib/configapi and its settings in /etc/configapi.
 .
 Built from commit %s.
`, debianVersion(p), p.Processor, size, description, p.Commit)
	return []entry{
		file("control", 0o644, []byte(control)),
		file("md5sums", 0o644, []byte(sums.String())),
		file("conffiles", 0o644, []byte(settings.String())),
		file("postinst", 0o755, mustRead("postinst")),
		file("prerm", 0o755, mustRead("prerm")),
		file("postrm", 0o755, mustRead("postrm")),
	}, nil
}

// debianVersion is a version that Debian orders as Go does: those before a release have a ~. A
// hyphen would begin the revision of a package.
func debianVersion(p *Program) string {
	release, metadata, _ := strings.Cut(strings.TrimPrefix(p.Version, "v"), "+")
	release, before, is := strings.Cut(release, "-")
	if is {
		release += "~" + strings.ReplaceAll(before, "-", ".")
	}
	if metadata != "" {
		release += "+" + strings.ReplaceAll(metadata, "-", ".")
	}
	return release
}

// mustRead returns a file that is embedded in this program.
func mustRead(name string) []byte {
	content, err := debian.ReadFile("debian/" + name)
	if err != nil {
		panic(err)
	}
	return content
}
