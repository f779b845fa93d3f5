// The field for the token.
//
// The token is in a variable of this page alone: neither in the browser's storage, nor in the URL,
// nor in a cookie. A reload forgets it. A token that the server has refused is not sent again
// until the user says so.
(() => {
  'use strict';

  const KEPT = 'This page alone has the token. A reload forgets it.';
  const MISSING = 'This server asks for a token: enter one.';
  const CHANGED = 'What the token may do has changed: run the operation again, and forget what it has shown before.';

  /** Shows the field. onChange is called when the user enters another token, or a refused one once more. */
  window.openAccess = (onChange) => {
    const [bar, field, reveal, use, note] = ['access', 'token', 'reveal', 'use', 'note'].map((id) => document.getElementById(id));
    let token = '';
    let refusal = ''; // why the server does not take the token; empty while it does

    function take() {
      const entered = field.value.trim();
      if (!/^[!-~]*$/.test(entered)) {
        say('A token has letters, digits and _ alone.', true);
      } else if (entered !== token || refusal) {
        [token, refusal] = [entered, ''];
        say(token && KEPT);
        onChange();
      }
    }

    function say(text, refused = false) {
      note.textContent = text;
      note.classList.toggle('refused', refused);
    }

    function show(visible) {
      field.type = visible ? 'text' : 'password';
      reveal.textContent = visible ? 'Hide' : 'Show';
      reveal.setAttribute('aria-pressed', String(visible));
    }

    function refuse(sent, reason) {
      if (sent === token) { // else it is about a token that was given up meanwhile
        refusal = token ? `The server refuses this token${reason && ` (${reason})`}: enter another one.` : MISSING;
        say(refusal, true);
      }
    }

    field.value = ''; // a browser may have brought it back
    field.addEventListener('change', take);
    field.addEventListener('keydown', ({ key }) => key === 'Enter' && take());
    use.addEventListener('click', take);
    reveal.addEventListener('click', () => show(field.type === 'password'));
    bar.hidden = false;

    return {
      /** The token to send, empty for none. */
      token: () => token,
      /** Why nothing can be sent now, empty when it can. */
      refusal: () => refusal,
      /** The server has answered 401 to a token. */
      unauthorized: (sent) => refuse(sent, ''),
      /** The server has closed a socket, with a token, because of what the token may do. */
      forbidden(sent, reason) {
        if (/\bchanged\b/.test(reason)) {
          say(CHANGED, true);
        } else {
          refuse(sent, reason);
        }
      },
    };
  };
})();
