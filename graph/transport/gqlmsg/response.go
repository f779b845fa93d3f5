package gqlmsg

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/fault"
)

const deferNotSupported = "@defer is not supported: ask without it"

// Append appends the response as the JSON object that GraphQL prescribes. The data is taken as it
// is: gqlgen has just written it, so checking and compacting it again, as encoding/json does, would
// be waste (BenchmarkPost of package gqlhttp).
//
// Errors come first, so that people and programs that read from the front see them. A response with
// errors and without data has no "data" member: this tells a client that nothing was executed.
func Append(to []byte, response *graphql.Response) []byte {
	to = AppendBeforeData(to, response)
	to = append(to, response.Data...)
	return AppendAfterData(to, response)
}

// AppendBeforeData appends the response up to its data. The data follows as it is.
func AppendBeforeData(to []byte, response *graphql.Response) []byte {
	to = append(to, '{')
	if len(response.Errors) > 0 {
		to = append(to, `"errors":`...)
		to = AppendErrors(to, response.Errors)
	}
	if len(response.Errors) == 0 || response.Data != nil {
		if len(response.Errors) > 0 {
			to = append(to, ',')
		}
		to = append(to, `"data":`...)
		if response.Data == nil {
			to = append(to, "null"...)
		}
	}
	return to
}

// AppendAfterData appends what follows the data of a response.
func AppendAfterData(to []byte, response *graphql.Response) []byte {
	if len(response.Extensions) > 0 {
		to = append(to, `,"extensions":`...)
		to = appendJSON(to, response.Extensions)
	}
	return append(to, '}')
}

// AppendErrors appends errors as a JSON array.
func AppendErrors(to []byte, errs gqlerror.List) []byte { return appendJSON(to, errs) }

// appendJSON is for the rare parts of an answer. A value that cannot be encoded is a bug in this
// program: appendJSON panics.
func appendJSON(to []byte, value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Errorf("encoding a part of a GraphQL response: %w", err))
	}
	return append(to, bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))...)
}

// RefuseResponse returns the fault that takes the place of a response which cannot be sent: none at
// all, by which gqlgen says that the context ended first, and one that more would follow, which no
// transport delivers. It returns nil for any other response.
func RefuseResponse(response *graphql.Response) *Fault {
	if response == nil {
		return &Fault{Kind: fault.Unavailable, Message: "the request ran out of time"}
	}
	if response.HasNext != nil {
		return InvalidInput(deferNotSupported)
	}
	return nil
}

// Terminal returns the errors of a response that ends its operation: one without data, by which
// gqlgen says that nothing was executed. It returns nil when there is something to send.
func Terminal(response *graphql.Response) gqlerror.List {
	if response.HasNext != nil {
		return gqlerror.List{NewError(fault.InvalidInput, deferNotSupported)}
	}
	if response.Data == nil && len(response.Errors) > 0 {
		return response.Errors
	}
	return nil
}
