package sqlite

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"configapi/internal/eventstore"
)

// collect takes records from the rows of a query until it has so many bytes of data, and closes the rows. There are at
// most limit rows.
func collect(rows *sql.Rows, err error, limit, maxBytes int) ([]eventstore.Record, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var (
		records []eventstore.Record
		bytes   int
		columns columns
	)
	dest := columns.dest()
	for bytes < maxBytes && rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		r, err := columns.record()
		if err != nil {
			return nil, err
		}
		if len(records) == fewRecords {
			records = slices.Grow(records, min(limit, manyRecords)-fewRecords)
		}
		records = append(records, r)
		bytes += len(r.Data)
	}
	return records, rows.Err()
}

// Most reads find next to nothing, those at start find full pages: what has more than few records gets its memory at once.
const fewRecords, manyRecords = 32, 1024

// columns is one row of events. Its types are those that [sql.Rows.Scan] fills without a copy, an allocation or
// reflection: replay at start is made of this.
type columns struct {
	position, version, schemaVersion, recordedAt, changeSet any
	hash, appendID                                          sql.RawBytes
	name, eventType, data                                   string
	actor, reason                                           any
}

// dest returns where to scan the columns to, in the order of selectEvents.
func (c *columns) dest() []any {
	return []any{
		&c.position, &c.hash, &c.name, &c.version, &c.eventType, &c.schemaVersion,
		&c.data, &c.actor, &c.reason, &c.recordedAt, &c.appendID, &c.changeSet,
	}
}

func (c *columns) record() (eventstore.Record, error) {
	r := eventstore.Record{
		Position:      eventstore.Position(integer(c.position)),
		Name:          c.name,
		Version:       int(integer(c.version)),
		Type:          c.eventType,
		SchemaVersion: int(integer(c.schemaVersion)),
		Data:          c.data,
		Actor:         text(c.actor),
		Reason:        text(c.reason),
		RecordedAt:    time.UnixMicro(integer(c.recordedAt)).UTC(),
		ChangeSet:     eventstore.Position(integer(c.changeSet)),
	}
	if err := fill(r.Hash[:], c.hash); err != nil {
		return r, &eventstore.ChainError{Position: r.Position, Problem: "its hash: " + err.Error()}
	}
	if err := fill(r.AppendID[:], c.appendID); err != nil {
		return r, &eventstore.ChainError{Position: r.Position, Problem: "its append id: " + err.Error()}
	}
	return r, nil
}

// integer returns a number. The tables are STRICT, so that there is nothing else.
func integer(v any) int64 {
	n, _ := v.(int64)
	return n
}

// text returns a text that may be null.
func text(v any) *string {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	return &s
}

func fill(dst, src []byte) error {
	if len(src) != len(dst) {
		return fmt.Errorf("%d bytes instead of %d", len(src), len(dst))
	}
	copy(dst, src)
	return nil
}
