import { element, setText } from './cells.js';

/**
 * A table whose rows are kept by key and moved, not made anew. A column has a title and either `text(row)` or
 * `show(cell, row)`; with `href(row)` its text is a link.
 */
export function createTable({ caption, columns, keyOf, empty = 'Nothing yet.' }) {
  const box = element('section', 'card');
  const title = element('h2', '', caption);
  const note = element('span', 'note');
  title.append(note);
  const scroll = element('div', 'scroll short');
  const table = element('table', 'operations plain');
  const head = element('tr');
  for (const column of columns) {
    const cell = element('th', column.number ? 'number' : '', column.title);
    cell.scope = 'col';
    if (column.hint) cell.title = column.hint;
    head.append(cell);
  }
  const heads = element('thead');
  heads.append(head);
  const body = element('tbody');
  table.append(element('caption', 'hidden', caption), heads, body);
  const nothing = element('p', 'nothing', empty);
  scroll.append(table, nothing);
  box.append(title, scroll);
  const shown = new Map();

  const update = (rows, text = '') => {
    setText(note, text);
    table.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
    const seen = new Set();
    let next = body.firstChild;
    for (const row of rows) {
      const key = keyOf(row);
      if (seen.has(key)) continue;
      seen.add(key);
      let line = shown.get(key);
      if (!line) {
        line = createLine(columns);
        shown.set(key, line);
      }
      line.update(row);
      if (line.row === next) next = next.nextSibling;
      else body.insertBefore(line.row, next);
    }
    for (const [key, line] of shown) {
      if (seen.has(key)) continue;
      line.row.remove();
      shown.delete(key);
    }
  };
  return { box, update };
}

function createLine(columns) {
  const row = element('tr');
  const updates = columns.map((column) => {
    const cell = element('td', column.className ?? (column.number ? 'number' : ''));
    row.append(cell);
    if (column.show) return column.show(cell);
    if (!column.href) return (data) => setText(cell, column.text(data));
    const link = element('a');
    cell.append(link);
    return (data) => {
      setText(link, column.text(data));
      link.title = column.text(data);
      const href = column.href(data);
      if (link.getAttribute('href') !== href) link.setAttribute('href', href);
    };
  });
  return { row, update: (data) => updates.forEach((each) => void each(data)) };
}
