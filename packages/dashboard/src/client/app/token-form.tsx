import type { JSX } from 'preact';
import { Button } from '../ui/button.tsx';
import { t } from '../texts.ts';
import { setToken } from './api.ts';
import css from './token-form.module.css';

/** Asks for the token that the API wants. */
export function TokenForm(): JSX.Element {
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('token');
    if (field instanceof HTMLInputElement && field.value.trim() !== '') setToken(field.value.trim());
  };
  return (
    <form class={css.form} onSubmit={onSubmit}>
      <h1 class={css.title}>{t.shell.token.title}</h1>
      <p>{t.shell.token.text}</p>
      <div class={css.row}>
        <input
          class={css.field}
          type="password"
          name="token"
          aria-label={t.shell.token.label}
          autocomplete="off"
          autofocus
        />
        <Button kind="primary" type="submit">
          {t.shell.token.submit}
        </Button>
      </div>
      <p class={css.note}>{t.shell.token.refused}</p>
    </form>
  );
}
