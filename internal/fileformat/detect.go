package fileformat

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Detect returns the format of a file by its name, and where that says too little by what it holds.
// The name may be "" or a path. The error asks for the format.
func Detect(name string, data []byte) (Format, error) {
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	switch extension := strings.ToLower(path.Ext(base)); {
	case extension == ".yaml", extension == ".yml":
		return YAML, nil
	case extension == ".properties":
		return Properties, nil
	case extension == ".sh":
		return Shell, nil
	case extension == ".env", strings.HasPrefix(base, ".env."):
		return Dotenv, nil
	case extension == ".json", extension != ".txt" && looksLikeJSON(data):
		return detectJSON(data), nil
	}
	return "", fmt.Errorf("nothing says for sure which format the file has; give --format")
}

func looksLikeJSON(data []byte) bool {
	text := strings.TrimLeft(string(data[:min(len(data), 100)]), byteOrderMark+" \t\r\n")
	return regexp.MustCompile(`^(\{\s*["}]|\{$|\[\s*[\]{]|\[$)`).MatchString(text)
}

// detectJSON distinguishes what Consul and etcd write from an object of names by its beginning.
func detectJSON(data []byte) Format {
	text := strings.TrimLeft(string(data[:min(len(data), 1000)]), byteOrderMark+" \t\r\n")
	switch {
	case strings.HasPrefix(text, "["):
		return Consul
	case regexp.MustCompile(`^\{\s*"(header"\s*:\s*\{|kvs"\s*:\s*\[)`).MatchString(text):
		return Etcd
	}
	return JSON
}
