import { describe, expect, it } from 'vitest';
import type { AuditReport } from './audit.ts';
import { formatReport, verdictLine } from './report.ts';
import type { RuleResult } from './rule.ts';
import { RULES } from './rules/index.ts';

const CLEAN: RuleResult = {
  id: 'sum-of-lines',
  statement: 'A sum is the sum of its lines.',
  checked: 1200,
  total: 0,
  violations: [],
};

function reportOf(...rules: RuleResult[]): AuditReport {
  const clean = rules.every(({ total }) => total === 0);
  return { clean, rules, leftOut: [], at: new Date(0) };
}

describe('the report of an audit', () => {
  it('has a line for each rule and the verdict', () => {
    expect(formatReport(reportOf(CLEAN)).split('\n')).toEqual([
      'rule          checked  result',
      'sum-of-lines     1200  ok',
      '',
      'auditor: clean (1 rules, 1200 rows checked)',
    ]);
  });

  it('shows the sentence and the first examples of a rule that is broken', () => {
    const violations = [1, 2, 3, 4].map((paymentId) => ({ paymentId }));
    const broken = { ...CLEAN, total: 4, violations };
    expect(formatReport(reportOf(broken)).split('\n')).toEqual([
      'rule          checked  result',
      'sum-of-lines     1200  4 violations',
      '  A sum is the sum of its lines.',
      '    {"paymentId":1}',
      '    {"paymentId":2}',
      '    {"paymentId":3}',
      '    and 1 more',
      '',
      'auditor: NOT CLEAN (4 violations of sum-of-lines; 1 rules, 1200 rows checked)',
    ]);
  });

  it('says which rules were left out', () => {
    const report = { ...reportOf(CLEAN), leftOut: ['capture-has-attempt'] };
    expect(formatReport(report)).toContain('capture-has-attempt        -  left out');
    expect(verdictLine(report)).toBe('auditor: clean (1 rules, 1200 rows checked)');
  });
});

describe('the rules', () => {
  it('have ids of their own and whole sentences', () => {
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
    for (const { id, statement } of RULES) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)+$/);
      expect(statement).toMatch(/^[A-Z].*\.$/);
    }
  });
});
