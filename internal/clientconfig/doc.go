// Package clientconfig says which server a command works on, with which token, and how: from flags,
// from the environment, and from the user's file of contexts.
//
// # The file
//
// The file is $CONFIGAPI_CONFIG, else configapi/config.yaml in $XDG_CONFIG_HOME, else in ~/.config:
//
//	current: staging
//	contexts:
//	  staging:
//	    url: https://staging.example
//	    token_command: [pass, show, configapi/staging]
//	  production:
//	    url: https://config.example
//	    token_file: production.token
//	    ca: company.pem
//	    prefix: payments
//	    confirm: true
//
// It belongs to the user, or to root, and nobody else may write to it or to its folder: it says
// which programs run, and where tokens go. It never has a token itself.
//
// # Which server
//
// Flags are stronger than the environment, and that than the current context. The first of these
// names the server: --url, --context, CONFIGAPI_URL, CONFIGAPI_CONTEXT, the current context.
// Without any it is http://localhost:4000.
//
// # Whose token
//
// A token goes only to the server that it is for. That of a context goes to the origin of its url.
// That of CONFIGAPI_TOKEN, or of the file CONFIGAPI_TOKEN_FILE, goes to the origin of the server
// that CONFIGAPI_URL or CONFIGAPI_CONTEXT names. When the environment names none, it goes to the
// server of --url, to a context that has no token of its own, and to http://localhost:4000.
package clientconfig
