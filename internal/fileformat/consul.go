package fileformat

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// pair is a key with its value as Consul and etcd write them: the value, and in etcd also the key,
// is in base64.
type pair struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
	Flags uint64  `json:"flags"`
	Lease int64   `json:"lease"`
}

// readConsul reads what `consul kv export` writes.
func readConsul(r *reader, data []byte, _ Options) {
	var pairs []pair
	if !r.unmarshal(data, &pairs, "an array as consul kv export writes it") {
		return
	}
	flagged, folders := 0, 0
	for _, p := range pairs {
		if p.Flags != 0 {
			flagged++
		}
		value, ok := r.decode(p.Key, p.Value)
		switch {
		case !ok:
		case value == "" && strings.HasSuffix(p.Key, "/"):
			folders++
		default:
			r.add(Entry{Key: p.Key, Value: value})
		}
	}
	if flagged > 0 {
		r.note("the flags of Consul are left out; keys that have some: %d", flagged)
	}
	if folders > 0 {
		r.note("folders of Consul are left out, keys that end with / and have no value: %d", folders)
	}
}

// readEtcd reads what `etcdctl get --prefix -w json` writes.
func readEtcd(r *reader, data []byte, _ Options) {
	var answer struct {
		Pairs []pair `json:"kvs"`
		More  bool   `json:"more"`
	}
	if !r.unmarshal(data, &answer, "an object as etcdctl get --prefix -w json writes it") {
		return
	}
	if answer.More {
		r.refuse(0, "", "the file has only a part of the keys, since etcdctl was run with --limit")
		return
	}
	if len(answer.Pairs) > 0 && !slices.ContainsFunc(answer.Pairs, func(p pair) bool { return p.Value != nil }) {
		r.refuse(0, "", "no key has a value: etcdctl was run with --keys-only, or all values are empty, which another format can say")
		return
	}
	leased := 0
	for i, p := range answer.Pairs {
		key, err := base64.StdEncoding.DecodeString(p.Key)
		if err != nil {
			r.refuse(0, "", "the key of element %d of kvs is not in base64", i)
			continue
		}
		if p.Lease != 0 {
			leased++
		}
		if value, ok := r.decode(string(key), p.Value); ok {
			r.add(Entry{Key: string(key), Value: value})
		}
	}
	if leased > 0 {
		r.note("leases of etcd are left out, so nothing expires; keys that have one: %d", leased)
	}
}

// unmarshal reads the whole file into a value; other members are skipped.
func (r *reader) unmarshal(data []byte, into any, want string) bool {
	err := json.Unmarshal(data, into)
	if err != nil {
		r.refuse(0, "", "the file must be %s, and it is not, or it is cut off", want)
	}
	return err == nil
}

// decode returns a value that is in base64. None at all is the empty text.
func (r *reader) decode(key string, value *string) (string, bool) {
	if value == nil {
		return "", true
	}
	decoded, err := base64.StdEncoding.DecodeString(*value)
	if err != nil {
		r.refuse(0, key, "has a value that is not in base64")
	}
	return string(decoded), err == nil
}
