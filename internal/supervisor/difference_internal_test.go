package supervisor

import (
	"fmt"
	"testing"
)

func TestDifference(t *testing.T) {
	many := make([]string, 12)
	for i := range many {
		many[i] = fmt.Sprintf("V%02d=secret", i)
	}
	for _, test := range []struct {
		old, next []string
		want      string
	}{
		{[]string{"A1=x", "A=x", "B=x"}, []string{"A1=x", "A=y", "B=x"}, "A changed"},
		{[]string{"A=x", "C=x"}, []string{"B=x", "C=y"}, "C changed, B added, A removed"},
		{nil, many, "V00 V01 V02 V03 V04 V05 V06 V07 V08 V09 and 2 more added"},
		{[]string{"A=x", "A_B=x"}, []string{"A=", "A_B=x=y"}, "A A_B changed"},
	} {
		if got := difference(test.old, test.next); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
