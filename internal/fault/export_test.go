package fault

// Rows is the length of the table.
const Rows = len(table)

// Words returns what the table says about a kind to people.
func (k Kind) Words() (meaning, advice string) { return table[k].meaning, table[k].advice }
