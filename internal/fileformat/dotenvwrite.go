package fileformat

import "strings"

// writeDotenv returns the writer of .env files: quotes of which all readers, or that of the
// dialect, make the value again.
func writeDotenv(dialect Format) func(*writer, []Entry) {
	return func(w *writer, entries []Entry) {
		for _, e := range entries {
			quoted, what := quoteDotenv(dialect, e.Value)
			if what != "" {
				w.refuse(0, e.Key, "%s", what)
				continue
			}
			w.put(e.Key).put("=").put(quoted).put("\n")
		}
	}
}

// quoteDotenv returns a value in quotes, or why there are none for it. Between single quotes all
// readers take all characters as they are.
func quoteDotenv(dialect Format, value string) (quoted, what string) {
	returns, ends := strings.Contains(value, "\r"), strings.HasSuffix(value, `\`)
	switch {
	case !returns && !ends && !strings.Contains(value, "'"):
		return "'" + value + "'", ""
	case !returns && !ends && !strings.ContainsAny(value, "\"\\$`"):
		return `"` + value + `"`, ""
	case dialect == DotenvCompose:
		return `"` + composeEscapes.Replace(value) + `"`, ""
	case dialect == DotenvNode && !returns && !ends && !strings.Contains(value, "`"):
		return "`" + value + "`", ""
	case dialect == DotenvNode && !ends && !strings.ContainsAny(value, `"`) && !strings.Contains(value, `\n`) && !strings.Contains(value, `\r`):
		return `"` + strings.ReplaceAll(value, "\r", `\r`) + `"`, ""
	case dialect == DotenvNode:
		return "", "has quotes or backslashes that npm's dotenv cannot read back; give --format json, yaml or shell"
	}
	return "", "has ' beside \", \\, $ or `, or a carriage return, or a backslash at its end, which readers of .env files do not read alike; " +
		"give --format dotenv-compose, dotenv-node, shell, json or yaml"
}

var composeEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "\r", `\r`)
