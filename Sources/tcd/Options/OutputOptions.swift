internal import ArgumentParser

/// How results are told.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print results as JSON, one object per line.")
    var json = false

    @Flag(name: [.short, .long], help: "Say more about what is done, on standard error.")
    var verbose = false

    /// Explains something to those who asked for it.
    func explain(_ line: @autoclosure () -> String) {
        if verbose { Terminal.note(line()) }
    }
}
