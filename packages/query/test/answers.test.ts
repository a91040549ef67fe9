import { createMemoryStore } from '@forge/storage';
import { describeAnswers } from './describe-answers.ts';

describeAnswers('the store in memory', {
  open: () => Promise.resolve(createMemoryStore()),
  runs: 120,
  answers: ['searches', 'traces', 'names', 'edges', 'rates'],
});
