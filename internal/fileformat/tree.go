package fileformat

// kind is what a value of JSON or YAML is.
type kind int

const (
	text kind = iota
	null
	list
	object
)

// node is a value of JSON or YAML.
type node struct {
	kind    kind
	line    int
	text    string   // of text: of a string what it says, of a number and the like how it is written
	members []member // of an object, in their order
}

type member struct {
	key   string
	line  int
	value node
}

// The members of a file that declares its prefix.
const (
	prefixMember = "prefix"
	valuesMember = "values"
)

// addTree adds what a file of JSON or YAML holds: an object of names with their values, or the
// object {prefix, values} that declares a prefix.
func (r *reader) addTree(root node, options Options) {
	if root.kind != object {
		r.refuse(root.line, "", "the file must be an object of names with their values")
		return
	}
	if values, declares := r.declaration(root); declares {
		root = values
	}
	r.addMembers("", root, options)
}

// declaration returns the values of a file that declares its prefix: one that has the member
// prefix, and an object as the member values.
func (r *reader) declaration(root node) (values node, declares bool) {
	var prefix *node
	for _, m := range root.members {
		switch {
		case m.key == valuesMember && m.value.kind == object:
			values, declares = m.value, true
		case m.key == prefixMember:
			prefix = &m.value
		}
	}
	if !declares || prefix == nil {
		return node{}, false
	}
	r.file.Declares = true
	switch {
	case prefix.kind != text:
		r.refuse(prefix.line, prefixMember, "must be a text")
	case prefix.text == "" || prefix.text == "/":
		r.refuse(prefix.line, prefixMember, "is empty; a file declares what is below a prefix")
	}
	r.file.Prefix = prefix.text
	for _, m := range root.members {
		if m.key != prefixMember && m.key != valuesMember {
			r.refuse(m.line, m.key, "is not known beside %s and %s", prefixMember, valuesMember)
		}
	}
	if len(root.members) > 2 && len(r.found) == 0 {
		r.refuse(root.line, "", "%s or %s is in the file twice", prefixMember, valuesMember)
	}
	return values, true
}

// addMembers adds the members of an object whose keys begin with the prefix.
func (r *reader) addMembers(prefix string, from node, options Options) {
	for _, m := range from.members {
		key := prefix + m.key
		switch m.value.kind {
		case text:
			r.add(Entry{key, m.value.text, m.line})
		case null:
			r.refuse(m.line, key, `has no value; write "" for the empty text, or leave it out`)
		case list:
			r.refuse(m.line, key, "is a list, which no config can hold; write it as a text in quotes")
		case object:
			if options.Nested {
				r.addMembers(key+"/", m.value, options)
				continue
			}
			r.refuse(m.line, key, "is an object; --nested joins the keys with /, and in quotes it is a text")
		}
	}
}
