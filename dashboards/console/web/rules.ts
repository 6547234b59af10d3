import type { Cell, Rule } from './types';

/** Whether a value meets the condition of a style rule; numbers compare as numbers. */
export function matches(rule: Rule, cell: Cell): boolean {
  if (cell === null) return false;
  const [a, b] = [Number(cell), Number(rule.value)];
  const numbers = rule.value !== '' && cell !== '' && !Number.isNaN(a) && !Number.isNaN(b);
  const order = numbers ? a - b : cell < rule.value ? -1 : cell > rule.value ? 1 : 0;
  switch (rule.op) {
    case '>': return order > 0;
    case '>=': return order >= 0;
    case '<': return order < 0;
    case '<=': return order <= 0;
    case '=': return order === 0;
    case '<>': case '!=': return order !== 0;
    default: return false;
  }
}
