// Package internal_test keeps the shape of the whole module: which package may import which, and
// how long a file and a function may be.
package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "configapi"

// Packages that are imported together in many rows of the picture.
const (
	history = "internal/eventstore internal/config"
	store   = "internal/configstore internal/fault internal/projection internal/auth " + history
	stores  = "internal/eventstore/sqlite internal/eventstore/postgres internal/eventstore/memory"
	// tools are what the edges share.
	tools = "internal/content internal/excerpt internal/pages internal/problem internal/requestid internal/strictjson internal/eventstream internal/budget"

	transports = "graph/transport/gqlws graph/transport/gqlsse graph/transport/gqlhttp graph/transport/fanout graph/transport/bounds"

	gqlgen  = "github.com/99designs/gqlgen github.com/vektah/gqlparser/v2"
	json    = "github.com/go-json-experiment/json"
	sockets = "github.com/gorilla/websocket"
	pgx     = "github.com/jackc/pgx/v5"
	x       = "golang.org/x/sync golang.org/x/sys"
	cobra   = "github.com/spf13/cobra github.com/spf13/pflag"
)

// picture shows the module from the top to the bottom. A package imports only the packages beside
// it, all of which are further down, and the libraries in the last column. Tests import what they
// like.
var picture = []layer{
	// Packages that tests share. The program imports none of them.
	{"internal/edgetest", "internal/configstore/configstoretest " + stores + " " + store, "github.com/google/go-cmp"},
	{"internal/configstore/configstoretest", "internal/eventstore/memory " + store, ""},
	{"graph/transport/transporttest", "graph/transport/fanout graph/transport/bounds graph/transport/gqlmsg internal/budget", gqlgen},
	{"internal/eventstore/eventstoretest", history + " internal/slowtest", "github.com/google/go-cmp " + x},
	{"test/graphqlws/check", "test/graphqlws", ""},
	{"test/graphqlws", "internal/websockettest", ""},
	{"test/hostile", "test/reports internal/processtest internal/websockettest", x + " golang.org/x/time"},
	{"test/reports", "", ""},
	{"test/systems", "", "golang.org/x/tools"},
	{"internal/postgrestest/withpostgres", "internal/postgrestest", ""},
	{"internal/httpd/httpdtest", "internal/processtest", ""},
	{"internal/postgrestest", "internal/processtest", pgx},
	{"internal/processtest", "", ""},
	{"internal/websockettest", "", ""},
	{"internal/certificate/certificatetest", "", ""},
	{"internal/slowtest", "", ""},
	{"internal/accesstest", "", ""},

	// The program. Only here the parts are wired together, so only here a store has a name.
	{"cmd/configapi", "internal/cli", ""},
	{"internal/cli", "client/rest internal/clientcmd internal/clientconfig internal/setting internal/adminsocket internal/restclient internal/attempts graph graph/transport/bounds internal/backup internal/rest internal/httpd internal/certificate internal/sdnotify internal/origin internal/console internal/audit internal/writer " + stores + " " + store + " " + tools, x + " " + cobra + " github.com/phuslu/log"},

	// The commands over the API of a server. They are clients: they know no store.
	{"internal/clientcmd", "internal/clientconfig internal/supervisor internal/environment internal/linediff internal/configtemplate internal/atomicfile internal/fileformat internal/setting client client/rest internal/fault internal/auth internal/config", cobra + " go.yaml.in/yaml/v3 golang.org/x/term golang.org/x/text"},

	{"internal/backup", "internal/strictjson internal/auth " + history, json + " github.com/klauspost/compress " + x},

	{"internal/clientconfig", "internal/setting internal/auth internal/config", "go.yaml.in/yaml/v3"},
	{"internal/supervisor", "", x + " golang.org/x/term"},
	{"internal/setting", "", cobra},
	{"internal/linediff", "", ""},
	{"internal/atomicfile", "", x},
	{"internal/restclient", "client/rest internal/adminsocket internal/fault internal/auth internal/config", ""},
	{"internal/adminsocket", "internal/fault internal/problem", x},

	// The clients' module. It knows nothing of the server, and needs no library.
	{"client/clienttest", "client client/rest", ""},
	{"client", "client/rest", ""},
	{"client/rest", "", ""},

	// The edges. They know neither each other nor a store.
	{"graph", "internal/attempts internal/audit graph/document graph/encode graph/generated graph/input graph/model graph/object graph/scalar " + transports + " " + store + " " + tools, gqlgen},
	{"graph/document", "graph/coerce graph/model graph/scalar internal/auth internal/config internal/configstore", gqlgen + " github.com/hashicorp/golang-lru/v2"},
	{"graph/coerce", "internal/excerpt", gqlgen},
	{"graph/encode", "graph/model graph/object graph/scalar internal/eventstore internal/strictjson", gqlgen},
	{"graph/generated", "graph/input graph/model graph/object graph/scalar " + store, gqlgen},
	{"graph/input", "graph/model graph/scalar internal/eventstore", gqlgen},
	{"graph/model", "graph/object graph/scalar " + store, gqlgen},
	{"graph/object", "graph/scalar internal/pages " + store, gqlgen},
	{"graph/scalar", store, gqlgen},
	{"graph/transport", "", ""}, // a page of documentation
	{"graph/transport/gqlws", "graph/transport/fanout graph/transport/bounds graph/transport/gqlmsg internal/fault internal/excerpt internal/strictjson internal/eventstream internal/budget", gqlgen + " " + json + " " + sockets + " " + x},
	{"graph/transport/gqlsse", "graph/transport/gqlhttp graph/transport/fanout graph/transport/bounds graph/transport/gqlmsg internal/fault internal/eventstream internal/budget", gqlgen},
	{"graph/transport/gqlhttp", "graph/transport/bounds graph/transport/gqlmsg internal/content internal/fault internal/strictjson internal/eventstream internal/budget", gqlgen},
	{"graph/transport/fanout", "graph/transport/bounds graph/transport/gqlmsg internal/budget", gqlgen},
	{"graph/transport/bounds", "graph/transport/gqlmsg internal/fault internal/eventstream internal/budget", gqlgen},
	{"graph/transport/gqlmsg", "internal/excerpt internal/fault internal/strictjson", gqlgen},
	{"internal/rest", "internal/audit " + store + " " + tools, json},
	{"internal/httpd", "internal/attempts internal/audit internal/origin " + store + " " + tools, x + " " + sockets + " github.com/prometheus/client_golang"},
	{"internal/certificate", "", ""},
	{"internal/sdnotify", "", x},
	{"internal/console", "", ""},
	{"internal/origin", "internal/excerpt", ""},
	{"internal/content", "internal/fault", ""},
	{"internal/pages", history, ""},
	{"internal/problem", "internal/fault", ""},
	{"internal/configtemplate", "internal/fileformat internal/config", ""},
	{"internal/environment", "internal/fileformat internal/config", ""},
	{"internal/fileformat", "internal/excerpt internal/config", json + " go.yaml.in/yaml/v3"},
	{"internal/strictjson", "internal/excerpt", json},
	{"internal/attempts", "internal/eventstream", "golang.org/x/time"},
	{"internal/eventstream", "internal/budget", ""},
	{"internal/budget", "", ""},
	{"internal/excerpt", "", ""},

	// The config store, and what is behind it.
	{"internal/configstore", "internal/writer internal/clock internal/fault internal/projection internal/feed internal/auth " + history, x},
	{"internal/writer", "internal/clock internal/requestid internal/fault internal/projection internal/auth " + history, ""},
	{"internal/fault", "internal/projection internal/auth " + history, ""},
	{"internal/clock", "internal/eventstore", x},
	{"internal/projection", "internal/auth " + history, "github.com/tidwall/btree"},
	{"internal/feed", history, ""},
	{"internal/audit", "internal/auth " + history, ""},
	{"internal/requestid", "", ""},
	{"internal/auth", history, ""},

	// The stores, below them their contract, and at the bottom the domain.
	{"internal/eventstore/sqlite", "internal/eventstore/queryqueue " + history, "modernc.org/sqlite modernc.org/libc " + x},
	{"internal/eventstore/postgres", "internal/eventstore/queryqueue " + history, pgx + " " + x},
	{"internal/eventstore/memory", history, ""},
	{"internal/eventstore/queryqueue", "internal/eventstore", x},
	{"internal/eventstore", "internal/config", ""},
	{"internal/config", "", ""},
}

// layer is a package, and what of the module and of libraries it may import.
type layer struct{ name, packages, libraries string }

// The longest file, and the longest function outside tests, in lines. Generated files may be of any
// length.
const (
	maxFileLines     = 400
	maxFunctionLines = 60
)

// tooLong are the files, and the functions as file:name, that may be longer.
var tooLong = map[string]string{} // :: which → why

func TestArrowsPointDown(t *testing.T) {
	imports := map[string][]string{} // :: package → what it imports, tests apart
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file.name, "_test.go") {
			continue
		}
		pkg := path.Dir(file.name)
		imports[pkg] = append(imports[pkg], file.imports(t)...)
	}
	for _, fault := range faults(picture, imports) {
		t.Error(fault)
	}
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	unused := maps.Clone(tooLong)
	check := func(which string, lines, most int) {
		if lines <= most {
			return
		}
		if _, excused := tooLong[which]; !excused {
			t.Errorf("%s has %d lines; at most %d are allowed", which, lines, most)
		}
		delete(unused, which)
	}
	for _, file := range goFiles(t) {
		if ast.IsGenerated(file.tree) {
			continue
		}
		check(file.name, file.lines(file.tree.FileEnd)-1, maxFileLines)
		if strings.HasSuffix(file.name, "_test.go") {
			continue
		}
		for _, declaration := range file.tree.Decls {
			if function, is := declaration.(*ast.FuncDecl); is {
				check(file.name+":"+function.Name.Name, file.lines(function.End())-file.lines(function.Pos())+1, maxFunctionLines)
			}
		}
	}
	for which := range unused {
		t.Errorf("%s is short now: take it out of the exceptions", which)
	}
}

// faults says where the imports of a module differ from the picture, and where the picture is
// wrong.
func faults(picture []layer, imports map[string][]string) []string {
	var found []string
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }

	row := map[string]int{} // :: package → its place in the picture, from the top
	for i, l := range picture {
		row[l.name] = i
	}
	for i, l := range picture {
		if _, exists := imports[l.name]; !exists {
			fault("%s is in the picture, but not in the module", l.name)
		}
		for _, below := range strings.Fields(l.packages) {
			if at, is := row[below]; !is || at <= i {
				fault("%s may import %s, which is not further down in the picture", l.name, below)
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		at, is := row[pkg]
		if !is {
			fault("%s is not in the picture: say what it may import", pkg)
			continue
		}
		for _, imported := range slices.Compact(slices.Sorted(slices.Values(imports[pkg]))) {
			if !picture[at].allows(imported) {
				fault("%s must not import %s", pkg, imported)
			}
		}
	}
	return found
}

// allows reports whether the package may import a path.
func (l layer) allows(imported string) bool {
	if local, is := strings.CutPrefix(imported, module+"/"); is {
		return slices.Contains(strings.Fields(l.packages), local)
	}
	if host, _, _ := strings.Cut(imported, "/"); !strings.Contains(host, ".") {
		return imported != "C" // the standard library; cgo would end the one static binary
	}
	return slices.ContainsFunc(strings.Fields(l.libraries), func(library string) bool {
		return imported == library || strings.HasPrefix(imported, library+"/")
	})
}

// TestFaultsAreFound shows that the picture is not just decoration.
func TestFaultsAreFound(t *testing.T) {
	picture := []layer{
		{"edge", "contract domain", "example.org/library"},
		{"contract", "domain", ""},
		{"domain", "", ""},
	}
	right := map[string][]string{
		"edge":     {"fmt", "net/http", "configapi/contract", "configapi/domain", "example.org/library", "example.org/library/part"},
		"contract": {"configapi/domain"},
		"domain":   nil,
	}
	if found := faults(picture, right); len(found) > 0 {
		t.Errorf("found %q where nothing is wrong", found)
	}
	for _, test := range []struct{ from, to, want string }{
		{"domain", "configapi/contract", "domain must not import configapi/contract"},
		{"contract", "configapi/edge", "contract must not import configapi/edge"},
		{"contract", "configapi/contract/memory", "contract must not import configapi/contract/memory"},
		{"edge", "configapi/domain/part", "edge must not import configapi/domain/part"},
		{"edge", "example.org/library2", "edge must not import example.org/library2"},
		{"domain", "example.org/library", "domain must not import example.org/library"},
		{"domain", "C", "domain must not import C"},
		{"util", "fmt", "util is not in the picture: say what it may import"},
	} {
		wrong := maps.Clone(right)
		wrong[test.from] = append(slices.Clone(wrong[test.from]), test.to)
		if found := faults(picture, wrong); len(found) != 1 || found[0] != test.want {
			t.Errorf("%s imports %s: found %q, want %q", test.from, test.to, found, test.want)
		}
	}
	upwards := append(slices.Clone(picture), layer{"bottom", "edge", ""})
	found := faults(upwards, right)
	want := []string{"bottom is in the picture, but not in the module", "bottom may import edge, which is not further down in the picture"}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

// goFile is a file of the module; its name is relative to the module's folder, with slashes.
type goFile struct {
	name string
	set  *token.FileSet
	tree *ast.File
}

func (f goFile) lines(at token.Pos) int { return f.set.PositionFor(at, false).Line }

func (f goFile) imports(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, spec := range f.tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, imported)
	}
	return paths
}

// goFiles parses all Go files of the module and of the clients' module, but not those of other
// modules within it.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	root := os.DirFS("..")
	var files []goFile
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && !ofModule(root, name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, filepath.Join("..", filepath.FromSlash(name)), nil, parser.ParseComments|parser.SkipObjectResolution)
		files = append(files, goFile{name, set, tree})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// ofModule reports whether Go looks for packages of the module, or of the clients' module, in a
// folder.
func ofModule(root fs.FS, folder string) bool {
	if base := path.Base(folder); base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return false
	}
	_, err := fs.Stat(root, path.Join(folder, "go.mod"))
	return err != nil || folder == "client"
}
