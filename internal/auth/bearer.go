package auth

import "strings"

// bearerScheme is the scheme of an Authorization header that has a token.
const bearerScheme = "Bearer"

// Bearer returns the secret of an Authorization header, given all its values, such as
// `Bearer cfg_…`. given is false when there is no header, or one of another scheme, which is meant
// for somebody else. The error is [ErrMalformed]: the header came twice, or without a secret. The
// secret itself is not checked.
func Bearer(values []string) (secret string, given bool, err error) {
	if len(values) == 0 {
		return "", false, nil
	}
	if len(values) > 1 {
		return "", true, ErrMalformed
	}
	scheme, secret, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if !strings.EqualFold(scheme, bearerScheme) {
		return "", false, nil
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return "", true, ErrMalformed
	}
	return secret, true, nil
}
