// git for the Node part: it asks nothing but one status, as the core would (python/okstra_ctl/git/environment.py).

const ELSEWHERE =
  /^GIT_(ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|CONFIG|DIR|GRAFT_FILE|IMPLICIT_WORK_TREE|INDEX_FILE|INTERNAL_SUPER_PREFIX|NO_REPLACE_OBJECTS|OBJECT_DIRECTORY|PREFIX|REPLACE_REF_BASE|SHALLOW_FILE|WORK_TREE)$/;

// The person's environment without what points git at another repository; commits are looked at as they are stored.
export function gitEnvironment(environment) {
  const kept = Object.fromEntries(Object.entries(environment).filter(([name]) => !ELSEWHERE.test(name)));
  return { ...kept, GIT_NO_REPLACE_OBJECTS: '1', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' };
}
