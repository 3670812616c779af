/** @type {typeof HTMLElement} */
declare const Base: typeof HTMLElement;
/** `<clearcut-video>`: attributes, properties, methods and events are those of `<video>`. */
export declare class ClearcutVideo extends Base {
    #private;
    static observedAttributes: string[];
    /** The `<video>` within, whose frames may be stacked. */
    video: HTMLVideoElement;
    /** What is played. @type {"webm" | "hevc" | "stacked"} */
    kind: "webm" | "hevc" | "stacked";
    constructor();
    connectedCallback(): void;
    disconnectedCallback(): void;
    /** @param {string} name @param {string | null} _old @param {string | null} value */
    attributeChangedCallback(name: string, _old: string | null, value: string | null): void;
    /** Plays as soon as the element is on the screen. The promise is that of `<video>`: it waits until then. */
    play(): Promise<void>;
    pause(): void;
    /** Starts anew from the first source, wherever the element is. */
    load(): void;
    get error(): MediaError | null;
    get currentTime(): number;
    set currentTime(seconds: number);
    get duration(): number;
    get readyState(): number;
    get ended(): boolean;
    get videoWidth(): number;
    /** Height of the visible frame: of one half where the file stacks two. */
    get videoHeight(): number;
}
export {};
