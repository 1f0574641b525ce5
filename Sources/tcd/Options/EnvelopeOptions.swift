public import ArgumentParser
public import Fabric

extension SealOptions.Compression: ExpressibleByArgument {}
extension SealOptions.DirectoryLayout: ExpressibleByArgument {}

/// What goes into an envelope, and what is written on it.
struct EnvelopeOptions: ParsableArguments {
    @Option(name: .long, help: "Compress contents: auto (if a sample of them shrinks), zstd or none.")
    var compress = SealOptions.Compression.auto

    @Option(name: .long, help: "The zstd level, 1 to 22. Levels above 9 need more memory.")
    var level = 3

    @Option(
        name: .long,
        help: "Lay out a directory as one tar, or as one block per file as the Python peers do (files).")
    var layout = SealOptions.DirectoryLayout.tar

    @Option(name: .long, help: ArgumentHelp("What to call the content of standard input.", valueName: "name"))
    var name: String?

    @OptionGroup var addressee: AddresseeOptions

    @Option(name: .long, help: ArgumentHelp("What kind of thing the content is.", valueName: "type"))
    var payloadType = "ai_state"

    @Option(
        name: .long,
        help: ArgumentHelp("The SHA-256 of the envelope that this one follows on.", valueName: "hex"))
    var causalParent: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The time in the envelope's name: second, minute, date (as the Python peers write it), or a text in one "
                + "of these forms.", valueName: "form"))
    var surfaceTime = "second"

    @Option(name: .long, help: ArgumentHelp("What the envelope is about.", valueName: "text"))
    var surfaceContext = "tcd-send"

    @Option(name: .long, help: ArgumentHelp("The semantic class of the content.", valueName: "text"))
    var surfaceProfile = "claude"

    @Option(
        name: .long,
        help: ArgumentHelp("How soon it wants attention: urgent, normal, background, sealed.", valueName: "text"))
    var surfacePriority = "normal"

    /// What to seal: a path, or standard input for `-`.
    func input(_ path: String) throws -> SealInput {
        if path == "-" {
            let name = name ?? "stdin"
            if let problem = BlockName.problem(with: name) {
                throw UsageError(
                    "--name \(problem)",
                    remedy: "give a relative path without '.', '..', backslashes and control characters, its parts at "
                        + "most 255 bytes long and all of it at most 1024")
            }
            return .standardInput(name: name)
        }
        guard name == nil else { throw UsageError("--name is for standard input", remedy: "give '-' as the path") }
        return .path(path)
    }

    /// The surface at `moment`.
    func surface(at moment: Timestamp) throws -> Surface {
        return try SurfaceBuilder(
            time: .init(asked: surfaceTime), context: surfaceContext, profile: surfaceProfile, priority: surfacePriority
        ).surface(at: moment)
    }

    /// Refuses what can be refused before anything is done, for sealing `path`.
    func check(_ path: String) throws {
        _ = try input(path)
        let moment = Timestamp.now()
        _ = try options(senderName: "", surface: surface(at: moment), at: moment)
    }

    /// Everything that sealing wants to know.
    func options(senderName: String, surface: Surface, at moment: Timestamp) throws -> SealOptions {
        guard (1...22).contains(level) else {
            throw UsageError("--level \(level) is no zstd level", remedy: "use 1 to 22")
        }
        guard !payloadType.isEmpty else { throw UsageError("--payload-type is empty", remedy: "leave it out") }
        var options = SealOptions(senderName: senderName)
        options.time = moment
        options.transferID = .generate(at: moment)
        options.surface = ManifestSurface(surface)
        options.compression = compress
        options.level = level
        options.layout = layout
        options.payloadType = payloadType
        try addressee.apply(to: &options)
        if let causalParent {
            guard let digest = Digest(hex: causalParent) else {
                throw UsageError("--causal-parent is not 64 lower-case hexadecimal digits")
            }
            options.causalParent = digest
        }
        return options
    }
}
