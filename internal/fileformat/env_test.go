package fileformat_test

import (
	"testing"

	"configapi/internal/fileformat"
)

func TestDotenv(t *testing.T) {
	alike := []reads{
		{"A=1\nexport B=2\n C = 3 \n# c\n\nD=\n", "A=\"1\"\nB=\"2\"\nC=\"3\"\nD=\"\"\n"},
		{"A='x # y' # c\nB=\"x # y\"\nC=x # y\n", "A=\"x # y\"\nB=\"x # y\"\nC=\"x\"\n"},
		{"A='x\ny'\nB=\"x\ny\"\nC=z", "A=\"x\\ny\"\nB=\"x\\ny\"\nC=\"z\"\n"},
		{"A=\"x\\ny\"\nB='x\\ny'\n", "A=\"x\\ny\"\nB=\"x\\\\ny\"\n"},
		{"A=it's\nB=x=y\nC=c:\\dir\nD='$x'\nE=\"it's\"\n", "A=\"it's\"\nB=\"x=y\"\nC=\"c:\\\\dir\"\nD=\"$x\"\nE=\"it's\"\n"},
		{"\ufeffA=x\r\nB='y\r\nz'\r\n", "A=\"x\"\nB=\"y\\nz\"\n"},
		{"A=1\nA=2\n", `line 2: "A" is in line 1 already`},
		{"A\nB: x\nexport C\n=x\nD x=y\n", "line 1: the line must be KEY=value, with no space in the key\nline 2: the line must be KEY=value, with no space in the key\n" +
			"line 3: the line must be KEY=value, with no space in the key\nline 4: the line must be KEY=value, with no space in the key\nline 5: the line must be KEY=value, with no space in the key"},
		{"A='x\nB=2\n", `line 1: "A" has quotes that do not end`},
		{"A='x' y\nB=\"x\"y\n", "line 1: \"A\" has text after its quotes; put all of the value between them\nline 2: \"B\" has text after its quotes"},
		{"A=x\x01\nB=x # \u2028C=y\n", "line 1: \"A\" has a control character or an end of line that not all readers know; put the value between quotes\nline 2: \"B\" has a control"},
		{"A=\u00a0x\n", `line 1: "A" begins or ends with a space that is none of ASCII`},
	}
	for _, format := range []fileformat.Format{fileformat.Dotenv, fileformat.DotenvNode, fileformat.DotenvCompose} {
		mustRead(t, format, fileformat.Options{}, alike)
	}
	mustRead(t, fileformat.Dotenv, fileformat.Options{}, []reads{
		{"A=x#y\n", `line 1: "A" is not read alike by npm's dotenv and docker compose`},
		{"A=\"x\\\"y\"\nB=\"x\\\\y\"\nC='it\\'s'\nD=\"x\\ty\"\n", "line 1: \"A\" is not read alike by npm's dotenv and docker compose; put the value between ' quotes, or give --format dotenv-node or dotenv-compose\n" +
			"line 2: \"B\" is not read alike by npm's dotenv and docker compose; put the value between ' quotes, or give --format dotenv-node or dotenv-compose\n" +
			"line 3: \"C\" is not read alike by npm's dotenv and docker compose; put the value between ' quotes, or give --format dotenv-node or dotenv-compose\n" +
			"line 4: \"D\" is not read alike"},
		{"A=$HOME\n", `line 1: "A" has a $ that docker compose replaces`},
		{"A=\"${X:-y}\"\n", `line 1: "A" has a $ that docker compose replaces`},
		{"A=`x`\n", `line 1: "A" is between backticks`},
		{"A='x\\\\'\n", `line 1: "A" ends with a backslash before its quotes`},
	})
	mustRead(t, fileformat.DotenvNode, fileformat.Options{}, []reads{
		{"A=x#y\nB=\"x\\\"y\\tz\\r\"\nC=$HOME\nD=`it's \"x\"`\nE='it\\'s'\n", "A=\"x\"\nB=\"x\\\\\\\"y\\\\tz\\r\"\nC=\"$HOME\"\nD=\"it's \\\"x\\\"\"\nE=\"it\\\\'s\"\n"},
	})
	mustRead(t, fileformat.DotenvCompose, fileformat.Options{}, []reads{
		{"A=x#y\nB=\"x\\\"y\\tz\\\\\\$\"\nC=$$x\nD=`x`\nE='it\\'s\\\\'\nF=\"\\x\"\n", "A=\"x#y\"\nB=\"x\\\"y\\tz\\\\$\"\nC=\"$x\"\nD=\"`x`\"\nE=\"it's\\\\\\\\\"\nF=\"\\\\x\"\n"},
		{"A=\"\\0101\"\n", `line 1: "A" has a character by its number`},
		{"A=x$\n", `line 1: "A" has a $ that docker compose replaces`},
	})
}

func TestShell(t *testing.T) {
	mustRead(t, fileformat.Shell, fileformat.Options{}, []reads{
		{"#!/bin/sh\nA=1\nexport B='x y'\ndeclare -x C=\"x\"\n  D=\n", "A=\"1\"\nB=\"x y\"\nC=\"x\"\nD=\"\"\n"},
		{"A='it'\\''s'\nB=\"a\\$b\\\"c\\\\d\\e\"\nC=x\\ y\nD='x\ny'\nE=\"x\\\ny\"\nF=x\\\ny\n", "A=\"it's\"\nB=\"a$b\\\"c\\\\d\\\\e\"\nC=\"x y\"\nD=\"x\\ny\"\nE=\"xy\"\nF=\"xy\"\n"},
		{"A=$'a\\nb\\'\\t'\nB=x#y # c\nC='x\r'\n", "A=\"a\\nb'\\t\"\nB=\"x#y\"\nC=\"x\\r\"\n"},
		{"A=$B\nC=`id`\nD=\"$E\"\nF=$(id)\n", "line 1: \"A\" has a $ or ` that a shell replaces; put the value between ' quotes to keep it\n" +
			"line 2: \"C\" has a $ or ` that a shell replaces; put the value between ' quotes to keep it\n" +
			"line 3: \"D\" has a $ or ` that a shell replaces; put the value between ' quotes to keep it\n" +
			"line 4: \"F\" has a $ or ` that a shell replaces"},
		{"A=1; rm x\nB=1 C=2\nexport D\nrm x\nE=~\nF=x*\nG=$'\\101'\n", `line 1: "A" has a character that ends a command; put the value between ' quotes
line 2: "B" must be the only one in its line, and its value one word; put the value between ' quotes
line 3: only assignments are read, such as export KEY='value'; nothing is run
line 4: only assignments are read, such as export KEY='value'; nothing is run
line 5: "E" has one of ~ * ? [ {, which a shell may replace; put the value between ' quotes
line 6: "F" has one of ~ * ? [ {, which a shell may replace; put the value between ' quotes
line 7: "G" has an escape by number, which is not read; write the character itself`},
		{"A='x\nB=y", `line 1: "A" has quotes that do not end`},
		{"A=\"x", `line 1: "A" has quotes that do not end`},
		{"A=$'x\\", `line 1: "A" has quotes that do not end`},
		{"A=x\\", `line 1: "A" ends with a backslash`},
		{"A=x\r\n", `line 1: "A" has a control character`},
	})
}

func TestWhatFormatsCannotHold(t *testing.T) {
	for _, row := range []struct {
		format           fileformat.Format
		key, value, want string
	}{
		{fileformat.Dotenv, "A", "it's \"x\"", `"A" has ' beside ", \, $ or `},
		{fileformat.Dotenv, "A", "x\r", `"A" has ' beside`},
		{fileformat.Dotenv, "A", `c:\dir\`, `"A" has ' beside`},
		{fileformat.DotenvNode, "A", "it's \"x\" `y`", `"A" has quotes or backslashes that npm's dotenv cannot read back`},
		{fileformat.DockerEnv, "A", "x\ny", `"A" has a value of several lines`},
		{fileformat.DockerEnv, "A", "x\r", `"A" has a value of several lines`},
		{fileformat.Shell, "PATH", "x", `"PATH" has a meaning to shells`},
		{fileformat.Shell, "LD_PRELOAD", "x", `"LD_PRELOAD" has a meaning to shells`},
		{fileformat.Shell, "a-b", "x", `"a-b" is no variable`},
		{fileformat.JSON, "a", "x\x00", `"a" has a value with a NUL character`},
		{fileformat.YAML, "", "x", `"\"\"" is no key`},
	} {
		_, err := fileformat.Write(row.format, []fileformat.Entry{{Key: row.key, Value: row.value}})
		if err == nil || len(err.Error()) < len(row.want) || err.Error()[:len(row.want)] != row.want {
			t.Errorf("%s %s=%q: got %v, want %q", row.format, row.key, row.value, err, row.want)
		}
	}
}
