package httpd

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync/atomic"

	"configapi/internal/requestid"
)

// maxIDBytes is the length of the longest request id that is accepted from a client.
const maxIDBytes = 64

// ids generates ids of requests.
type ids struct {
	prefix string // random, so that ids of two servers differ
	last   atomic.Uint64
}

func newIDs() *ids {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand crashes the program instead
	return &ids{prefix: hex.EncodeToString(random[:]) + "-"}
}

// of returns the id that the request brings if it is valid, else a new one.
func (i *ids) of(h http.Header) string {
	if brought := h[requestid.Header]; len(brought) == 1 && isValidID(brought[0]) {
		return brought[0]
	}
	var space [32]byte
	return string(strconv.AppendUint(append(space[:0], i.prefix...), i.last.Add(1), 36))
}

func isValidID(id string) bool {
	if id == "" || len(id) > maxIDBytes {
		return false
	}
	for i := range len(id) {
		switch b := id[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		case b == '-', b == '_', b == '.', b == ':':
		default:
			return false
		}
	}
	return true
}
