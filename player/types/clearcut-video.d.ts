declare const TYPES: {
    webm: string;
    hevc: string;
    stacked: string;
};
/** @type {typeof HTMLElement} */
declare const Base: typeof HTMLElement;
/** `<clearcut-video>`: attributes and events are those of `<video>`. */
export declare class ClearcutVideo extends Base {
    #private;
    static observedAttributes: string[];
    /** For all that has no method here. */
    video: HTMLVideoElement;
    /** @type {keyof typeof TYPES} */
    kind: keyof typeof TYPES;
    constructor();
    connectedCallback(): void;
    disconnectedCallback(): void;
    /** @param {string} name */
    attributeChangedCallback(name: string): void;
    /** Plays as soon as the element is on the screen. */
    play(): Promise<void>;
    pause(): void;
    get paused(): boolean;
    get duration(): number;
    get currentTime(): number;
    set currentTime(seconds: number);
    get videoWidth(): number;
    /** Height of the visible frame: of one half where the file stacks two. */
    get videoHeight(): number;
}
export {};
