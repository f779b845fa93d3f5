package environment

import (
	"slices"
	"strings"
)

// group is variables that have something in common.
type group struct {
	why   string // what they do, after "which"
	names string // with spaces between; one that ends with * stands for all that begin so
}

// reserved are variables that others than the program obey. The lists of glibc's secure execution,
// of sudo's env_delete and of the manuals of the runtimes are behind them. A config becomes such a
// variable only when the user says so, so a list that is too long costs a --map, and one that is
// too short costs the host.
var reserved = []group{
	{"decides which libraries are loaded",
		"LD_* DYLD_* _RLD* LIBPATH SHLIB_PATH GLIBC_TUNABLES GCONV_PATH LOCPATH NLSPATH PATH_LOCALE MALLOC_* OPENSSL_CONF OPENSSL_CONF_INCLUDE OPENSSL_ENGINES OPENSSL_MODULES " +
			"GTK_MODULES GTK_PATH GIO_EXTRA_MODULES GIO_MODULE_DIR QT_PLUGIN_PATH GCOV_PREFIX CUDA_INJECTION64_PATH AWKLIBPATH AWKPATH GST_PLUGIN_* GDK_PIXBUF_MODULE_FILE ODBCINI ODBCSYSINI SASL_PATH LIBMYSQL_PLUGIN_DIR LIBGL_DRIVERS_PATH ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS"},
	{"decides which programs run",
		"PATH PATHEXT COMSPEC SHELL EDITOR VISUAL PAGER MANPAGER BROWSER LESS LESSOPEN LESSCLOSE LESSKEY* SSH_ASKPASS SUDO_ASKPASS SUDO_EDITOR SYSTEMD_PAGER SYSTEMD_EDITOR RSYNC_RSH CVS_RSH SVN_SSH HGRCPATH TAR_OPTIONS ZIPOPT VIMINIT GVIMINIT EXINIT PSQLRC PSQL_PAGER PSQL_EDITOR AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE MAKEFLAGS MAKEFILES GNUMAKEFLAGS GETCONF_DIR TEXINPUTS " +
			"DOCKER_HOST DOCKER_CONFIG KUBECONFIG"},
	{"decides what a shell runs",
		"ENV BASH_ENV BASH_FUNC_* BASHOPTS SHELLOPTS BASH_LOADABLES_PATH BASH_XTRACEFD IFS CDPATH GLOBIGNORE PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 FPATH ZDOTDIR NULLCMD READNULLCMD TMPPREFIX POSIXLY_CORRECT"},
	{"decides what a runtime runs",
		"NODE_OPTIONS NODE_PATH NODE_REPL_* NODE_PRESERVE_SYMLINKS NODE_ICU_DATA NODE_V8_COVERAGE NPM_CONFIG_* YARN_* BUN_* DENO_* ELECTRON_* " +
			"JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS JDK_JAVAC_OPTIONS _JAVA_OPTIONS JAVA_OPTS JAVA_OPTIONS JAVA_HOME CLASSPATH CATALINA_OPTS MAVEN_OPTS GRADLE_OPTS SBT_OPTS KAFKA_OPTS " +
			"PYTHON* PIP_* GUNICORN_CMD_ARGS UWSGI_* PERL5* PERLLIB PERLIO* PERL_* RUBYOPT RUBYLIB RUBYSHELL GEM_* BUNDLE_* PHPRC PHP_INI_SCAN_DIR " +
			"LUA_INIT* LUA_PATH* LUA_CPATH* ERL_* ELIXIR_ERL_OPTIONS R_* JULIA_* TCLLIBPATH DOTNET_* COMPLUS_* CORECLR_* COR_* MONO_* GUILE_* GHCRTS OCAMLRUNPARAM CAMLRUNPARAM " +
			"GOFLAGS GODEBUG GOTRACEBACK GOPATH GOROOT GOENV GOTOOLCHAIN CARGO_* RUSTC RUSTC_* RUSTFLAGS RUSTUP_* RUST_GDB"},
	{"decides what git runs", "GIT_*"},
	{"decides where programs read their settings", "HOME XDG_* TERMINFO TERMINFO_DIRS TERMPATH TERMCAP TZDIR HOSTALIASES LOCALDOMAIN RES_OPTIONS RESOLV_* NIS_PATH"},
	{"decides whom programs trust or send their requests to",
		"SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE AWS_CA_BUNDLE CURL_HOME NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED HTTP_PROXY HTTPS_PROXY ALL_PROXY FTP_PROXY NO_PROXY"},
}

// exact and beginnings are those of reserved.
var exact, beginnings = sorted(reserved)

type rule struct{ name, why string }

func sorted(groups []group) (exact map[string]string, beginnings []rule) {
	exact = map[string]string{} // :: variable → why
	for _, g := range groups {
		for name := range strings.FieldsSeq(g.names) {
			if beginning, is := strings.CutSuffix(name, "*"); is {
				beginnings = append(beginnings, rule{beginning, g.why})
			} else {
				exact[name] = g.why
			}
		}
	}
	return exact, beginnings
}

// Reserved reports whether others than the program obey a variable, and what it does, as the rest
// of a sentence. The case of letters does not count, since some obey both.
func Reserved(variable string) (why string, is bool) {
	variable = strings.ToUpper(variable)
	if why, is = exact[variable]; is {
		return why, true
	}
	i := slices.IndexFunc(beginnings, func(r rule) bool { return strings.HasPrefix(variable, r.name) })
	if i < 0 {
		return "", false
	}
	return beginnings[i].why, true
}

// Listed returns the reserved variables of each group with what they do, for documents.
func Listed() (groups [][2]string) {
	for _, g := range reserved {
		groups = append(groups, [2]string{g.why, g.names})
	}
	return groups
}
