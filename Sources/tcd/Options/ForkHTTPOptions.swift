internal import ArgumentParser

/// The HTTP inbox of a fork listener.
struct ForkHTTPOptions: ParsableArguments {
    @OptionGroup var listener: ListenerOptions
}
