package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"configapi/internal/backup"
)

// tokensChoice is the flag --tokens of restore-backup.
type tokensChoice struct {
	given backup.Tokens // "": it was left out
	asks  bool          // whether the operator can be asked, at a terminal
}

func (c *tokensChoice) String() string { return "" }

func (c *tokensChoice) Set(text string) error {
	c.given = backup.Tokens(text)
	if c.given != backup.KeepTokens && c.given != backup.RevokeTokens {
		return errors.New("write keep or revoke")
	}
	return nil
}

// choose returns what the flag says, or else what the operator answers.
func (c *tokensChoice) choose(ctx context.Context, env Env) (backup.Tokens, error) {
	if c.given != "" {
		return c.given, nil
	}
	if !c.asks {
		return "", errTokensNotSaid
	}
	answers := bufio.NewScanner(env.Stdin)
	for {
		fmt.Fprint(env.Stderr, "The backup has tokens, which are good for this store, too. Keep or revoke all of them? [keep/revoke] ")
		read := make(chan bool, 1)
		go func() { read <- answers.Scan() }() // a read of a terminal does not end with ctx
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case more := <-read:
			if !more {
				return "", errTokensNotSaid
			}
		}
		var answer tokensChoice
		if err := answer.Set(strings.TrimSpace(answers.Text())); err == nil {
			return answer.given, nil
		}
	}
}

var errTokensNotSaid = startErrorf("the backup has tokens, which are good for this store, too: " +
	"give --tokens keep if they may be used, or --tokens revoke to end all of them")
