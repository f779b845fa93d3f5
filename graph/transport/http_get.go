package transport

import (
	"net/http"
	"net/url"
	"unicode/utf8"

	"configapi/internal/strictjson"
)

func readGet(r *http.Request, request *request) *fault {
	parameters, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalidInput("the URL's query is not properly encoded")
	}
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		if len(parameters[name]) > 1 {
			return invalidInput("the URL has the parameter " + name + " twice")
		}
	}
	if request.params.Variables, err = readParameter(parameters, "variables"); err != nil {
		return invalidInput("the URL's parameter variables must be a JSON object: " + err.Error())
	}
	if request.params.Extensions, err = readParameter(parameters, "extensions"); err != nil {
		return invalidInput("the URL's parameter extensions must be a JSON object: " + err.Error())
	}
	request.params.OperationName = parameters.Get("operationName")
	request.params.Query = parameters.Get("query")
	switch {
	case request.params.Query == "" && isPersisted(request.params.Extensions):
		return persistedFault()
	case request.params.Query == "":
		return invalidInput("the URL must have the parameter query, a GraphQL document")
	case !utf8.ValidString(request.params.Query), !utf8.ValidString(request.params.OperationName):
		return invalidInput("the URL's query is not valid UTF-8")
	}
	return nil
}

// readParameter reads an object. Left out and empty are the same, as clients send both.
func readParameter(parameters url.Values, name string) (strictjson.Object, error) {
	text := parameters.Get(name)
	if text == "" {
		return nil, nil
	}
	var object strictjson.Object
	err := strictjson.Decode([]byte(text), &object, strictjson.Options{})
	return object, err
}
