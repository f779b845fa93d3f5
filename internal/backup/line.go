package backup

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	formatName    = "configapi-backup"
	formatVersion = 1
	timeLayout    = "2006-01-02T15:04:05.000000Z"
)

// lineWriter builds one line, member by member. The first error stays.
type lineWriter struct {
	b   []byte
	err error
}

func (w *lineWriter) raw(text string) { w.b = append(w.b, text...) }

func (w *lineWriter) number(n int64) { w.b = strconv.AppendInt(w.b, n, 10) }

func (w *lineWriter) hex(bytes []byte) {
	w.b = append(w.b, '"')
	w.b = hex.AppendEncode(w.b, bytes)
	w.b = append(w.b, '"')
}

func (w *lineWriter) text(what, s string) {
	var err error
	if w.b, err = jsontext.AppendQuote(w.b, s); err != nil && w.err == nil {
		w.err = fmt.Errorf("its %s is not UTF-8", what)
	}
}

func (w *lineWriter) nullable(what string, s *string) {
	if s == nil {
		w.raw("null")
		return
	}
	w.text(what, *s)
}

func (w *lineWriter) time(at time.Time) {
	at = at.UTC()
	if year := at.Year(); (year < 0 || year > 9999) && w.err == nil {
		w.err = fmt.Errorf("its time is in the year %d", year)
	}
	w.b = append(w.b, '"')
	w.b = at.AppendFormat(w.b, timeLayout)
	w.b = append(w.b, '"')
}

// appendHeader appends the first line of a backup that leads to a head.
func appendHeader(b []byte, target eventstore.Head) []byte {
	w := lineWriter{b: b}
	w.raw(`{"format":"` + formatName + `","version":`)
	w.number(formatVersion)
	w.raw(`,"position":`)
	w.number(int64(target.Seq))
	w.raw(`,"hash":`)
	w.hex(target.Hash[:])
	w.raw("}\n")
	return w.b
}

// appendRecord appends the line of an event. The error says what of the event cannot be written.
func appendRecord(b []byte, r *eventstore.Record) ([]byte, error) {
	w := lineWriter{b: b}
	w.raw(`{"position":`)
	w.number(int64(r.Seq))
	w.raw(`,"hash":`)
	w.hex(r.Hash[:])
	w.raw(`,"name":`)
	w.text("name", r.Name)
	w.raw(`,"version":`)
	w.number(int64(r.Version))
	w.raw(`,"type":`)
	w.text("type", r.Type)
	w.raw(`,"schema_version":`)
	w.number(int64(r.SchemaVersion))
	w.raw(`,"data":`)
	if r.Erased {
		w.raw("null")
	} else {
		w.text("data", r.Data)
	}
	w.raw(`,"actor":`)
	w.nullable("actor", r.Actor)
	w.raw(`,"reason":`)
	w.nullable("reason", r.Reason)
	w.raw(`,"reverts":`)
	if r.Reverts == nil {
		w.raw("null")
	} else {
		w.raw(`"` + r.Reverts.String() + `"`)
	}
	w.raw(`,"recorded_at":`)
	w.time(r.RecordedAt)
	w.raw(`,"append_id":`)
	w.hex(r.AppendID[:])
	w.raw(`,"change_set":`)
	w.number(int64(r.ChangeSet))
	w.raw(`,"salt_who":`)
	w.hex(r.SaltWho[:])
	w.raw(`,"salt_what":`)
	if r.Erased {
		w.raw("null")
	} else {
		w.hex(r.SaltWhat[:])
	}
	w.raw(`,"what":`)
	w.hex(r.What[:])
	w.raw("}\n")
	return w.b, w.err
}

// appendHead appends the last line of a backup.
func appendHead(b []byte, head eventstore.Head) ([]byte, error) {
	w := lineWriter{b: b}
	w.raw(`{"head":{"position":`)
	w.number(int64(head.Seq))
	w.raw(`,"hash":`)
	w.hex(head.Hash[:])
	w.raw(`,"recorded_at":`)
	if head.Seq == 0 {
		w.raw("null")
	} else {
		w.time(head.RecordedAt)
	}
	w.raw(`},"events":`)
	w.number(int64(head.Seq))
	w.raw("}\n")
	return w.b, w.err
}

// errNotOurs says that a line holds the right members, but in other bytes.
var errNotOurs = errors.New("it is not written as configapi writes it")

// parseHeader reads the first line. The head that it returns has no time.
func parseHeader(line []byte) (eventstore.Head, error) {
	var is struct {
		Format   string `json:"format"`
		Version  int    `json:"version"`
		Position int64  `json:"position"`
		Hash     string `json:"hash"`
	}
	err := strictjson.Decode(line, &is, strictjson.Options{AllowUnknown: true})
	switch {
	case err != nil || is.Format != formatName:
		return eventstore.Head{}, errors.New("this is no backup of configapi")
	case is.Version != formatVersion:
		return eventstore.Head{}, fmt.Errorf("the backup has version %d of the format, and this program reads version %d: use the program that made it, or a newer one", is.Version, formatVersion)
	}
	target := eventstore.Head{Seq: eventstore.Seq(is.Position)}
	if !decodeHex(target.Hash[:], is.Hash) || is.Position < 0 || !bytes.Equal(line, appendHeader(nil, target)) {
		return eventstore.Head{}, errNotOurs
	}
	return target, nil
}

// recordLine has the members of the line of an event.
type recordLine struct {
	Position      int64   `json:"position"`
	Hash          string  `json:"hash"`
	Name          string  `json:"name"`
	Version       int     `json:"version"`
	Type          string  `json:"type"`
	SchemaVersion int     `json:"schema_version"`
	Data          *string `json:"data"` // nil: it was erased, like SaltWhat
	Actor         *string `json:"actor"`
	Reason        *string `json:"reason"`
	Reverts       *string `json:"reverts"`
	RecordedAt    string  `json:"recorded_at"`
	AppendID      string  `json:"append_id"`
	ChangeSet     int64   `json:"change_set"`
	SaltWho       string  `json:"salt_who"`
	SaltWhat      *string `json:"salt_what"`
	What          string  `json:"what"`
}

// lineReader reads the lines of events. It keeps a buffer between calls.
type lineReader struct{ again []byte }

// record reads the line of an event. It accepts only the bytes that appendRecord writes: no member
// is missing, twice or unknown.
func (l *lineReader) record(line []byte) (eventstore.Record, error) {
	var is recordLine
	if err := strictjson.Decode(line, &is, strictjson.Options{}); err != nil {
		return eventstore.Record{}, err
	}
	r, ok := is.record()
	if !ok {
		return eventstore.Record{}, errNotOurs
	}
	var err error
	if l.again, err = appendRecord(l.again[:0], &r); err != nil || !bytes.Equal(line, l.again) {
		return eventstore.Record{}, errNotOurs
	}
	return r, nil
}

// record returns the event of a line, and reports whether its members have the right forms.
func (l *recordLine) record() (r eventstore.Record, ok bool) {
	at, err := time.Parse(timeLayout, l.RecordedAt)
	r = eventstore.Record{
		Seq: eventstore.Seq(l.Position), Name: l.Name, Version: l.Version, Type: l.Type, SchemaVersion: l.SchemaVersion,
		Actor: l.Actor, Reason: l.Reason, RecordedAt: at, ChangeSet: eventstore.Seq(l.ChangeSet),
		Erased: l.Data == nil,
	}
	ok = err == nil && r.Erased == (l.SaltWhat == nil) &&
		decodeHex(r.Hash[:], l.Hash) && decodeHex(r.AppendID[:], l.AppendID) &&
		decodeHex(r.SaltWho[:], l.SaltWho) && decodeHex(r.What[:], l.What)
	if ok && !r.Erased {
		r.Data = *l.Data
		ok = decodeHex(r.SaltWhat[:], *l.SaltWhat)
	}
	if ok && l.Reverts != nil {
		var reverts eventstore.Position
		reverts, err = eventstore.ParsePosition(*l.Reverts)
		r.Reverts, ok = &reverts, err == nil
	}
	return r, ok
}

// isHead reports whether a line is the last one of a backup, and not that of an event.
func isHead(line []byte) bool { return bytes.HasPrefix(line, []byte(`{"head":`)) }

// decodeHex fills dst, and reports whether text has exactly its bytes.
func decodeHex(dst []byte, text string) bool {
	if len(text) != hex.EncodedLen(len(dst)) {
		return false
	}
	_, err := hex.Decode(dst, []byte(text))
	return err == nil
}
