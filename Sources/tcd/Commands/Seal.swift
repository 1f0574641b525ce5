internal import ArgumentParser
internal import Fabric
internal import Glibc
internal import SystemPackage

/// `tcd seal`
struct Seal: ParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seal a file, a directory or standard input into an envelope.",
        discussion: """
            An envelope is signed and compressed. It is not encrypted: every host that carries it can read it. \
            Encrypt the content before sealing where that matters.

            The envelope is written to a temporary file beside its place, synced, and renamed, so there is never half \
            of one. Without -o it is called by its surface name, in this directory.
            """)

    @Argument(help: ArgumentHelp("What to seal; '-' for standard input.", valueName: "path"), completion: .file())
    var path: String

    @Option(name: [.short, .customLong("output")], help: ArgumentHelp("The envelope to write.", valueName: "file"))
    var out: String?

    @Flag(name: [.short, .long], help: "Replace the envelope if it exists.")
    var force = false

    @OptionGroup(title: "Envelope") var envelope: EnvelopeOptions
    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try envelope.check(path)
        let moment = Timestamp.now()
        let surface = try envelope.surface(at: moment)
        let target = FilePath(out ?? surface.arrivalName?.text ?? "envelope.tza")
        if force, isInput(target) {
            throw UsageError(
                "'\(target)' is what is to be sealed, and would be replaced by its envelope",
                remedy: "give another file with -o")
        }
        let sender = try identity.loadOrCreate(output: output)
        let options = try envelope.options(senderName: identity.name(of: sender), surface: surface, at: moment)
        output.explain(
            "surface name \(surface.arrivalName?.text ?? "none"), compression \(envelope.compress) at level "
                + "\(envelope.level), directories as \(envelope.layout)")
        let bar = ProgressBar("sealing", quiet: output.json)
        let sealer = Sealer(key: sender.key, options: options) { bar.update($0, of: $1) }
        defer { bar.finish() }
        let report = try sealer.seal(envelope.input(path), to: target, replacing: force)
        bar.finish()
        Warnings.show(report)
        tell(report, target: target, sender: options.senderName)
    }

    /// Whether `target` is the very file that is to be sealed, by whatever name.
    private func isInput(_ target: FilePath) -> Bool {
        var (input, output) = (stat(), stat())
        let isThere = path == "-" ? fstat(STDIN_FILENO, &input) == 0 : stat(path, &input) == 0
        return isThere && stat(target.string, &output) == 0 && input.st_dev == output.st_dev
            && input.st_ino == output.st_ino
    }

    private func tell(_ report: SealReport, target: FilePath, sender: String) {
        guard output.json else {
            Terminal.say(
                "✓ sealed \(DisplayText.line(path, atMost: .max)) → \(DisplayText.line(target.string, atMost: .max))")
            Terminal.say(
                "  \(Quantity.bytes(report.contentBytes)) in \(Quantity.count(report.blocks, "block")), "
                    + "\(Quantity.bytes(report.sealedBytes)) sealed; tpid \(report.transferID)")
            return
        }
        Terminal.say(
            JSONLine([
                ("event", "sealed"), ("path", .text(target.string)), ("tpid", .text(report.transferID.text)),
                ("content_digest", .text(report.contentDigest.description)),
                ("blocks", .number(Int64(report.blocks))), ("bytes", .number(report.contentBytes)),
                ("sealed_bytes", .number(report.sealedBytes)), ("sender_aint", .text(sender)),
                ("left_out", .init(report.leftOut)), ("outside_links", .init(report.outsideLinks)),
            ]))
    }
}

/// What a person should know about an envelope although it was sealed.
enum Warnings {
    static func show(_ report: SealReport) {
        if !report.leftOut.isEmpty {
            Terminal.note(
                "left out \(list(report.leftOut)): sockets, pipes and devices cannot be sealed")
        }
        if !report.grown.isEmpty {
            Terminal.note("\(list(report.grown)) grew while being read; what was there at the beginning is sealed")
        }
        if !report.outsideLinks.isEmpty {
            Terminal.note(
                "\(list(report.outsideLinks)) \(report.outsideLinks.count == 1 ? "leads" : "lead") out of the directory; "
                    + "'tcd unpack' refuses such links without --allow-outside-links")
        }
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
    }
}
