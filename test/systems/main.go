// Command systems type-checks all packages and tests of this module for systems on which no test
// runs, and exits with 1 if one does not compile there. It takes seconds, since it makes no code:
// go vet would build each library for each system.
//
//	go run ./test/systems windows darwin
package main

import (
	"fmt"
	"os"

	"golang.org/x/tools/go/packages"
)

func main() {
	failed := false
	for _, system := range os.Args[1:] {
		problems, err := check(".", system)
		if err != nil {
			fmt.Fprintf(os.Stderr, "systems: loading the packages for %s: %v\n", system, err)
			os.Exit(1)
		}
		for _, problem := range problems {
			fmt.Fprintf(os.Stderr, "%s: %s\n", system, problem)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// check returns what does not compile of the packages in and below a folder.
func check(folder, system string) (problems []string, err error) {
	const mode = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
		packages.NeedDeps | packages.NeedTypes | packages.NeedTypesSizes
	found, err := packages.Load(&packages.Config{
		Mode: mode, Dir: folder, Tests: true, Env: append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
	}, "./...")
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no packages in %s", folder)
	}
	known := map[string]bool{} // :: problem → is in problems; a package and its tests have the same
	for p := range packages.Postorder(found) {
		for _, e := range p.Errors {
			if text := e.Error(); !known[text] {
				known[text] = true
				problems = append(problems, text)
			}
		}
	}
	return problems, nil
}
