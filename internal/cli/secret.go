package cli

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	hidden = "***"
	// placeholder stands in messages that show how an address is written.
	placeholder = "USER:PASSWORD@"
)

var (
	// credentials are those in a URL: up to the last @, since passwords are often not escaped.
	credentials = regexp.MustCompile("([A-Za-z][A-Za-z0-9+.-]*://)[^\\s\"`]*@")
	// passwords are those in keywords and parameters, quoted or not. URL parameters end at &.
	passwords = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'?|[^\s&"` + "`" + `]+)`)
)

// hideSecrets returns a message without the passwords of addresses: of whatever looks like one, and
// of those that the command line and the environment hold, whatever the message has made of them.
func hideSecrets(env Env, message string) string {
	for _, secret := range secretsOf(env) {
		message = strings.ReplaceAll(message, secret, hidden)
	}
	message = credentials.ReplaceAllStringFunc(message, func(match string) string {
		scheme, userinfo, _ := strings.Cut(match, "://")
		if userinfo == placeholder {
			return match
		}
		return scheme + "://" + hidden + "@"
	})
	return passwords.ReplaceAllString(message, "${1}"+hidden)
}

// secretsOf returns the secrets that a command was given, the longest first, in all forms that a
// message may show them in.
func secretsOf(env Env) []string {
	sources := slices.Clone(env.Args)
	for _, key := range append([]string{"CONFIGAPI_LISTEN_DSN", "CONFIGAPI_LISTEN"}, storeVariables...) {
		sources = append(sources, env.Getenv(key))
	}
	var secrets []string
	for _, source := range sources {
		secrets = append(secrets, secretsIn(source)...)
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	return secrets
}

func secretsIn(source string) []string {
	var found []string
	if _, rest, is := strings.Cut(source, "://"); is {
		if at := strings.LastIndexByte(rest, '@'); at > 0 {
			if _, password, has := strings.Cut(rest[:at], ":"); has {
				found = append(found, password)
			}
		}
	}
	for _, match := range passwords.FindAllStringSubmatch(source, -1) {
		found = append(found, strings.Trim(match[2], "'"))
	}
	var forms []string
	for _, secret := range found {
		decoded, err := url.PathUnescape(secret)
		if err != nil {
			decoded = secret
		}
		for _, form := range []string{secret, decoded, url.PathEscape(secret), url.QueryEscape(secret)} {
			quoted := strconv.Quote(form)
			forms = append(forms, form, quoted[1:len(quoted)-1])
		}
	}
	// Shorter ones are in many words by chance; where they stand as passwords, the patterns find
	// them.
	return slices.DeleteFunc(forms, func(form string) bool { return len(form) < 4 })
}

// isAmbiguous reports whether an address has an @ besides the one before the host. Parsers do not
// agree on which one ends the password, so a part of it could become a host or a database, which
// are shown.
func isAmbiguous(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	return strings.Count(authority, "@") > 1 || strings.Contains(path, "@")
}

// checkAddress refuses a URL of PostgreSQL that cannot be parsed. It does not repeat the parser's
// error, which shows a part of the password when that has characters that should be escaped.
// Keywords and values, and no address at all, pass.
func checkAddress(which, address string) error {
	if !strings.Contains(address, "://") {
		return nil
	}
	if _, err := url.Parse(address); err != nil || isAmbiguous(address) {
		return unusable("%s is malformed: write postgres://USER:PASSWORD@HOST:PORT/DATABASE; "+
			"in a password, characters such as @ : / # %% and spaces are written as %%40 %%3A %%2F %%23 %%25 and %%20", which)
	}
	return nil
}
