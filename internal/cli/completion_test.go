package cli_test

import (
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completed returns what a shell is offered for words, of which the last one is completed.
func (d *desk) completed(t *testing.T, line string) (offered []string, directive string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(d.must(t, "configapi __complete "+line)), "\n")
	for _, text := range lines[:len(lines)-1] {
		text, _, _ = strings.Cut(text, "\t")
		offered = append(offered, text)
	}
	return offered, lines[len(lines)-1]
}

func newCompletionDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.must(t, `for name in payments/timeout payments/db/url payments/db/user payments plain other:a; do configapi set $name 1; done`)
	d.must(t, `configapi token create robot --grant READ:payments`)
	return d
}

// TestCompletionOfNames has what shells are offered. 4 keeps them from files, and 2 from a space.
func TestCompletionOfNames(t *testing.T) {
	d := newCompletionDesk(t)
	d.must(t, `mkdir -p .config/configapi && (umask 077; echo "$CONFIGAPI_TOKEN" > .config/configapi/token)`)
	d.must(t, `configapi context set all --url $CONFIGAPI_URL && CONFIGAPI_TOKEN= configapi context set pay --url $CONFIGAPI_URL --prefix payments --token-file token`)
	for _, test := range []struct{ line, want, directive string }{
		{`get ""`, "other:a payments payments/ plain", ":6"},
		{`get pl`, "plain", ":4"},
		{`get pay`, "payments payments/", ":6"},
		{`get payments/`, "payments/db/ payments/timeout", ":6"},
		{`get payments/db/u`, "payments/db/url payments/db/user", ":4"},
		{`get payments/db/ur x`, "", ":4"},
		{`delete plain payments/t`, "payments/timeout", ":4"},
		{`promote plain pl`, "plain", ":4"},
		{`diff --prefix payments/d`, "payments/db/", ":6"},
		{`export --context pay ""`, "db/ timeout", ":6"},
		{`get --context p`, "all pay", ":4"}, // shells choose among them,
		{`status ""`, "all pay", ":4"},
		{`get nothing/`, "", ":4"},
		{`get ../`, "", ":4"},
		{`get '$(id)'`, "", ":4"},
		{`set plain ""`, "", ":4"},
		{`token rotate ""`, "admin robot", ":4"},
		{`token revoke admin ""`, "", ":4"},
		{`token create ""`, "", ":0"},
		{`can READ payments --as ""`, "admin robot", ":4"},
		{`import ""`, "", ":0"}, // files
	} {
		offered, directive := d.completed(t, test.line)
		slices.Sort(offered)
		if got := strings.Join(offered, " "); got != test.want || directive != test.directive {
			t.Errorf("%s: got %q and %s, want %q and %s", test.line, got, directive, test.want, test.directive)
		}
	}
}

// TestCompletionIsQuiet: a server that is not there, one that never answers, and a token that may
// not read offer nothing, and say nothing.
func TestCompletionIsQuiet(t *testing.T) {
	d := newCompletionDesk(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, before := range []string{"CONFIGAPI_URL=http://127.0.0.1:1", "CONFIGAPI_URL=http://" + silent.Addr().String(), "CONFIGAPI_TOKEN=x", "CONFIGAPI_CONTEXT=nosuch CONFIGAPI_URL="} {
		for _, line := range []string{`get ""`, `token rotate ""`} {
			if got, code := d.run(t, before+" configapi __complete "+line+" 2>/dev/null"); code != 0 || got != ":4\n" {
				t.Errorf("%s %s: got %d, %q", before, line, code, got)
			}
		}
	}
	d.mustWrite(t, "many.env", 1001, "many/K%d=%d")
	d.must(t, `sed -i 's,many/,,' many.env && configapi import many.env --prefix many`)
	if got, _ := d.completed(t, `get many/K`); len(got) > 0 {
		t.Errorf("got %d names of too many", len(got))
	}
	if got, _ := d.completed(t, `get many/K99`); len(got) != 11 {
		t.Errorf("got %q", got)
	}
}

// TestShellsComplete has each shell that is on this machine complete a line with its script.
func TestShellsComplete(t *testing.T) {
	d := newCompletionDesk(t)
	for shell, script := range map[string]string{
		// Without the package bash-completion, its function that the script needs stands in for it.
		"bash": `lib=/usr/share/bash-completion/bash_completion
			if [ -f $lib ]; then source $lib; else _get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]} prev=get words=("${COMP_WORDS[@]}") cword=$COMP_CWORD; }; fi
			source <(configapi completion bash)
			COMP_LINE="configapi get payments/db/u"; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(configapi get payments/db/u); COMP_CWORD=2
			__start_configapi configapi payments/db/u get; printf '%s\n' "${COMPREPLY[@]}"`,
		"zsh": `zmodload zsh/zpty; zpty z 'PS1= zsh -f -i'
			zpty -w z 'PROMPT=; autoload -U compinit; compinit -u -D; source <(configapi completion zsh); compdef _configapi configapi; print rea''dy'
			while zpty -r z line; do [[ $line == *ready* ]] && break; done
			zpty -w -n z $'configapi get payments/db/u\t\t'
			seen=; while [[ $seen != *payments/db/user* ]]; do zpty -r z line || break; seen+=$line; done
			print -r -- $seen; zpty -d z`,
		"fish": `configapi completion fish | source; complete -C 'configapi get payments/db/u'`,
	} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("there is no %s: install it to test what it completes", shell)
			}
			mustWrite(t, filepath.Join(d.folder, "script."+shell), script)
			got := d.must(t, "TERM=dumb "+shell+" script."+shell)
			for _, want := range []string{"payments/db/url", "payments/db/user"} {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %s", got, want)
				}
			}
		})
	}
}
