/** One server-sent event. */
export interface ServerSentEvent {
  type: string;
  data: string;
}

/**
 * Returns a function that takes the text of an event stream in pieces of any size, and calls each with every event that is whole. It throws
 * a RangeError when an event has more than `limit` characters.
 */
export function eventParser(each: (event: ServerSentEvent) => void, limit: number): (text: string) => void {
  let line = ''; // what has come of the present line
  let type = '';
  let data: string | undefined;
  const endLine = () => {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    line = '';
    if (text === '') {
      const event = { type, data: data ?? '' };
      const whole = data !== undefined;
      [type, data] = ['', undefined];
      if (whole) {
        each(event);
      }
      return;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(text)!;
    if (field === 'event') {
      type = value;
    } else if (field === 'data') {
      data = data === undefined ? value : `${data}\n${value}`;
    }
  };
  return (text) => {
    for (let from = 0; from < text.length;) {
      const end = text.indexOf('\n', from);
      line += text.slice(from, end < 0 ? undefined : end);
      if (line.length + type.length + (data?.length ?? 0) > limit) {
        throw new RangeError(`an event has more than ${limit} characters`);
      }
      if (end < 0) {
        return;
      }
      endLine();
      from = end + 1;
    }
  };
}
