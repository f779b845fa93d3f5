package fileformat

import (
	"errors"
	"strings"
)

// EscapeYAML returns JSON with escapes for what JSON leaves as it is and YAML does not. The result
// is YAML.
func EscapeYAML(json string) string {
	if !strings.ContainsFunc(json, needsEscape) {
		return json
	}
	var b strings.Builder
	for _, c := range json {
		if needsEscape(c) {
			b.WriteString(escape(c))
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// QuoteShell returns a text as one word of a shell, in single quotes.
func QuoteShell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// QuoteDotenv returns a text in quotes of which all readers of .env files make the text again, or
// an error when there are none.
func QuoteDotenv(text string) (string, error) {
	quoted, what := quoteDotenv(Dotenv, text)
	if what != "" {
		return "", errors.New("the value has ' beside \", \\, $ or `, or a carriage return, or a backslash at its end, which readers of .env files do not read alike")
	}
	return quoted, nil
}

// CheckDockerEnv returns an error when a value cannot be one of a file for docker run --env-file.
func CheckDockerEnv(value string) error {
	switch {
	case strings.ContainsAny(value, "\n\r"):
		return errors.New("the value has several lines, which files of docker run --env-file cannot hold")
	case len(value) > maxDockerLine:
		return errors.New("the value is too long for files of docker run --env-file")
	}
	return nil
}
