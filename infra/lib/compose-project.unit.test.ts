import { describe, expect, it } from 'vitest';
import { projectOf } from './compose-project.ts';

describe('the project of a data folder', () => {
  it('is the same each time, another for another folder, and a name that compose takes', () => {
    const project = projectOf('/home/dev/mini-pg/.data');
    expect(projectOf('/home/dev/mini-pg/.data')).toEqual(project);
    expect(projectOf('/home/dev/other/.data')).not.toEqual(project);
    expect(project.name).toMatch(/^mini-pg-[0-9a-f]{8}$/);
  });
});
