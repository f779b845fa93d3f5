package input

import "configapi/graph/model"

// ReadSetConfig reads a SetConfigInput. The error says which type a value has in place of its own.
func ReadSetConfig(given map[string]any) (to model.SetConfigInput, err error) {
	if to.Value, err = as[string](given["value"]); err != nil {
		return to, err
	}
	if to.OnlyIfChanged, err = optional[bool](given["onlyIfChanged"]); err != nil {
		return to, err
	}
	if to.Reason, err = optional[string](given["reason"]); err != nil {
		return to, err
	}
	if to.IdempotencyKey, err = optional[string](given["idempotencyKey"]); err != nil {
		return to, err
	}
	to.Name, to.ExpectedVersion, to.ExpectedRevision, err = common(given)
	return to, err
}
