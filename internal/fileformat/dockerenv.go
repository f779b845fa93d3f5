package fileformat

import "strings"

// maxDockerLine is the longest line that docker reads, in bytes.
const maxDockerLine = 64<<10 - 1

// readDockerEnv reads what `docker run --env-file` reads: what follows = is the value, with all
// quotes and spaces.
func readDockerEnv(r *reader, data []byte, _ Options) {
	quoted := 0
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\r"), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, has := strings.Cut(line, "=")
		switch {
		case key == "" || strings.ContainsAny(key, " \t"):
			r.refuse(i+1, "", wantAssignment)
			continue
		case !has:
			r.refuse(i+1, key, "has no value: docker takes it from its own environment; write %s=value", key)
			continue
		}
		if n := len(value); n > 1 && value[0] == value[n-1] && strings.IndexByte(`'"`, value[0]) >= 0 {
			quoted++
		}
		r.add(Entry{key, value, i + 1})
	}
	if quoted > 0 {
		r.note("%d values keep the quotes around them, as docker run --env-file does; with --format dotenv they are not a part of the value", quoted)
	}
}

// writeDockerEnv writes a file for `docker run --env-file`, which knows neither quotes nor escapes.
func writeDockerEnv(w *writer, entries []Entry) {
	for _, e := range entries {
		switch {
		case strings.ContainsAny(e.Value, "\n\r"):
			w.refuse(0, e.Key, "has a value of several lines, which docker's files cannot hold; give --format dotenv, shell, json or yaml")
		case len(e.Key)+1+len(e.Value) > maxDockerLine:
			w.refuse(0, e.Key, "has a value that is too long for docker, which reads lines of %d bytes", maxDockerLine)
		}
		w.put(e.Key).put("=").put(e.Value).put("\n")
	}
}
