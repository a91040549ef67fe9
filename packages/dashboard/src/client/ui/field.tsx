import type { ComponentChildren, JSX } from 'preact';
import css from './field.module.css';

/** A label and what it names. */
export function Field(props: {
  readonly label: string;
  readonly error?: string | undefined;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <label class={css.field}>
      <span class={css.label}>{props.label}</span>
      {props.children}
      {props.error !== undefined && (
        <span class={css.error} role="alert">
          {props.error}
        </span>
      )}
    </label>
  );
}

interface InputProps {
  readonly name: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly list?: string;
  readonly id?: string;
  readonly label?: string;
  readonly isWrong?: boolean;
  readonly isMono?: boolean;
  readonly onInput?: (value: string) => void;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
}

export function Input(props: InputProps): JSX.Element {
  return (
    <input
      class={css.input}
      type="text"
      id={props.id}
      name={props.name}
      value={props.value}
      placeholder={props.placeholder}
      list={props.list}
      aria-label={props.label}
      aria-invalid={props.isWrong === true}
      data-mono={props.isMono === true ? '' : undefined}
      spellcheck={false}
      autocomplete="off"
      onInput={(event) => props.onInput?.(event.currentTarget.value)}
      onKeyDown={props.onKeyDown}
    />
  );
}

interface SelectProps {
  readonly name: string;
  readonly value: string;
  readonly label?: string;
  /** Value and text. */
  readonly options: readonly (readonly [string, string])[];
  readonly onChange?: (value: string) => void;
}

export function Select(props: SelectProps): JSX.Element {
  return (
    <select
      class={css.select}
      name={props.name}
      value={props.value}
      aria-label={props.label}
      onChange={(event) => props.onChange?.(event.currentTarget.value)}
    >
      {props.options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

/** Suggestions for an input, by the browser's own list. */
export function Suggestions({ id, values }: { readonly id: string; readonly values: readonly string[] }): JSX.Element {
  return (
    <datalist id={id}>
      {values.slice(0, 500).map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  );
}
