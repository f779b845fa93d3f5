package environment_test

import (
	"strings"
	"testing"

	"configapi/internal/config"
	"configapi/internal/environment"
	"configapi/internal/fileformat"
)

// mustConfigs returns configs of texts such as name=value.
func mustConfigs(t testing.TB, texts ...string) (configs []fileformat.Setting) {
	t.Helper()
	for _, text := range texts {
		name, value, _ := strings.Cut(text, "=")
		parsed, err := config.ParseName(name)
		if err != nil {
			t.Fatal(err)
		}
		configs = append(configs, fileformat.Setting{Name: parsed, Value: value})
	}
	return configs
}

func TestBuild(t *testing.T) {
	parent := []string{"PATH=/bin", "TERM=dumb", "TIMEOUT=1", "TIMEOUT=2", "CONFIGAPI_TOKEN=secret", "CONFIGAPI_X=", "=C:=x", "broken"}
	for _, test := range []struct {
		name    string
		configs []string
		options environment.Options
		want    string // the variables, or the error
	}{
		{"nothing", nil, environment.Options{}, ""},
		{"parent", nil, environment.Options{Parent: parent}, "PATH=/bin TERM=dumb TIMEOUT=2"},
		{"configs win", []string{"timeout=3", "db/url=x=y", "empty="}, environment.Options{Parent: parent}, "DB_URL=x=y EMPTY= PATH=/bin TERM=dumb TIMEOUT=3"},
		{"sorted by names", []string{"a1=", "a=", "a/b="}, environment.Options{}, "A= A1= A_B="},
		{"mapped", []string{"db/url=x"}, environment.Options{Map: map[string]string{"db/url": "DATABASE_URL"}}, "DATABASE_URL=x"},
		{"collision", []string{"db/url=secret", "db.url=secret"}, environment.Options{}, `"db.url" and "db/url" both make the variable DB_URL; give one of them another with --map db.url=VARIABLE`},
		{"collision by a map", []string{"a=", "b="}, environment.Options{Map: map[string]string{"a": "B"}}, `"b" and "a" both make the variable B; give one of them another with --map b=VARIABLE`},
		{"reserved", []string{"ld/preload=secret", "path=secret"}, environment.Options{}, `"ld/preload" makes LD_PRELOAD, which decides which libraries are loaded; ` +
			`give it another one with --map ld/preload=VARIABLE, or that one with --map ld/preload=LD_PRELOAD; ` +
			`"path" makes PATH, which decides which programs run; give it another one with --map path=VARIABLE, or that one with --map path=PATH`},
		{"reserved, but mapped", []string{"search=/x"}, environment.Options{Parent: parent, Map: map[string]string{"search": "PATH"}}, "PATH=/x TERM=dumb TIMEOUT=2"},
		{"own", []string{"configapi/token=secret"}, environment.Options{}, `"configapi/token" makes CONFIGAPI_TOKEN, which no program gets`},
		{"own, though mapped", []string{"a=secret"}, environment.Options{Map: map[string]string{"a": "CONFIGAPI_URL"}}, `"a" makes CONFIGAPI_URL, which no program gets`},
		{"NUL", []string{"a=secret\x00"}, environment.Options{}, `"a" has a value with a NUL character, which no variable can hold`},
	} {
		got, err := environment.Build(mustConfigs(t, test.configs...), test.options)
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
		}
		if err == nil && text != test.want || err != nil && (test.want == "" || !strings.HasPrefix(text, test.want)) {
			t.Errorf("%s: got %q,\nwant %q", test.name, text, test.want)
		}
		if err != nil && strings.Contains(text, "secret") {
			t.Errorf("%s: got %q, with a value", test.name, text)
		}
	}
}

func TestErrorIsBounded(t *testing.T) {
	var texts []string
	for range 30 {
		texts = append(texts, "ld/x"+strings.Repeat("y", len(texts))+"=")
	}
	_, err := environment.Build(mustConfigs(t, texts...), environment.Options{})
	if err == nil || !strings.HasSuffix(err.Error(), "; and 10 more") {
		t.Errorf("got %v", err)
	}
}

func TestReserved(t *testing.T) {
	for name := range strings.FieldsSeq("LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES PATH NODE_OPTIONS BASH_ENV ENV JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS " +
		"PYTHONPATH PYTHONSTARTUP PERL5OPT PERL5LIB RUBYOPT GIT_SSH_COMMAND IFS SHELLOPTS BASH_FUNC_x GLIBC_TUNABLES GCONV_PATH PHPRC LUA_INIT_5_4 DOTNET_STARTUP_HOOKS " +
		"PROMPT_COMMAND PS4 HOME http_proxy ld_preload SSL_CERT_FILE R_PROFILE_USER GODEBUG LESS LESSKEYIN VIMINIT TAR_OPTIONS AWKLIBPATH GUNICORN_CMD_ARGS AWS_CONFIG_FILE PIP_INDEX_URL") {
		if why, is := environment.Reserved(name); !is || why == "" {
			t.Errorf("%s is not reserved", name)
		}
	}
	for name := range strings.FieldsSeq("DATABASE_URL TIMEOUT PORT DEBUG PATHS HOMEPAGE ENVIRONMENT AWS_REGION LOG_LEVEL NODE_ENV AWS_PROFILE LESSON LESS_THAN RAILS_ENV RACK_ENV DJANGO_SETTINGS_MODULE PGHOST REDIS_URL TZ LANG LC_ALL USER TMPDIR GIN_MODE GOMAXPROCS GOGC GOMEMLIMIT RUST_LOG ASPNETCORE_URLS JAVA_VERSION") {
		if why, is := environment.Reserved(name); is {
			t.Errorf("%s is reserved: it %s", name, why)
		}
	}
}
