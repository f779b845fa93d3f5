package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeBOM writes the SBOM beside a program: the modules that are linked into it, as
// the program itself lists them, and Go's standard library.
func writeBOM(p *Program) error {
	file, err := os.Create(strings.TrimSuffix(p.Path, ".exe") + ".cdx.json")
	if err != nil {
		return err
	}
	defer file.Close()
	bom, err := bomOf(p)
	if err != nil {
		return err
	}
	if err := cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return err
	}
	return file.Close()
}

func bomOf(p *Program) (*cdx.BOM, error) {
	digest, _, err := digestOf(p.Path)
	if err != nil {
		return nil, err
	}
	main := cdx.Component{
		BOMRef: "configapi", Type: cdx.ComponentTypeApplication, Name: "configapi", Version: p.Version,
		Description: "ConfigApi for " + p.Platform.String(),
		Hashes:      &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(digest)}},
		Properties:  &[]cdx.Property{{Name: "commit", Value: p.Commit}},
	}
	goVersion := strings.TrimPrefix(p.Info.GoVersion, "go")
	components := []cdx.Component{libraryOf("std", goVersion)}
	for _, dep := range p.Info.Deps {
		c, err := componentOf(dep, p.Version)
		if err != nil {
			return nil, err
		}
		components = append(components, c)
	}
	uses := make([]string, len(components))
	for i, c := range components {
		uses[i] = c.BOMRef
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Timestamp: p.Time.Format(time.RFC3339), Component: &main}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &uses}}
	return bom, nil
}

// componentOf returns a module as a component. One that is a folder of this repository has the
// version of the program.
func componentOf(dep *debug.Module, version string) (cdx.Component, error) {
	if dep.Replace != nil && dep.Replace.Sum == "" {
		c := libraryOf(dep.Path, version)
		c.PackageURL = "" // it is published nowhere else
		return c, nil
	}
	if dep.Replace != nil {
		dep = dep.Replace
	}
	c := libraryOf(dep.Path, dep.Version)
	// Go's digest of a module is that of the list of its files' digests.
	sum, is := strings.CutPrefix(dep.Sum, "h1:")
	digest, err := base64.StdEncoding.DecodeString(sum)
	if err != nil || !is {
		return c, fmt.Errorf("the module %s has the digest %q, which is none of Go", dep.Path, dep.Sum)
	}
	c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(digest)}}
	return c, nil
}

func libraryOf(path, version string) cdx.Component {
	url := "pkg:golang/" + path + "@" + version
	return cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: url}
}
