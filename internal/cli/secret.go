package cli

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"configapi/internal/auth"
)

const (
	hidden = "***"
	// placeholder stands in messages that show the form of an address.
	placeholder = "USER:PASSWORD@"
)

var (
	// credentials matches the userinfo of a URL, up to the last @, since many passwords are not
	// escaped.
	credentials = regexp.MustCompile("([A-Za-z][A-Za-z0-9+.-]*://)[^\\s\"`]*@")
	// passwords matches passwords in keyword/value strings and URL parameters, quoted or not. A URL
	// parameter ends at &.
	passwords = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'?|[^\s&"` + "`" + `]+)`)
)

// hideSecrets returns a message without passwords: those of anything that looks like an address,
// and those of the command line and the environment in any form. Of tokens it has public ids alone.
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
	return auth.HideSecrets(passwords.ReplaceAllString(message, "${1}"+hidden))
}

// secretsOf returns the secrets of the command line and the environment in all forms that a message
// may show, the longest first.
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
	// Shorter secrets occur in many words by chance. Where they are passwords, the patterns match
	// them.
	return slices.DeleteFunc(forms, func(form string) bool { return len(form) < 4 })
}

// isAmbiguous reports whether an address has more than the @ before the host. Parsers disagree on
// where its password ends, so a part of it could become a host or a database, which messages show.
func isAmbiguous(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	return strings.Count(authority, "@") > 1 || strings.Contains(path, "@")
}

// checkAddress refuses a PostgreSQL URL that cannot be parsed. Its error does not have the
// parser's, which shows a part of a password that is not escaped. An empty address and
// keyword/value strings pass.
func checkAddress(which, address string) error {
	if !strings.Contains(address, "://") {
		return nil
	}
	if _, err := url.Parse(address); err != nil || isAmbiguous(address) {
		return startErrorf("%s is malformed: write postgres://USER:PASSWORD@HOST:PORT/DATABASE; "+
			"in a password, characters such as @ : / # %% and spaces are written as %%40 %%3A %%2F %%23 %%25 and %%20", which)
	}
	return nil
}
