internal import ArgumentParser
internal import Fabric
internal import Glibc
internal import SystemPackage

/// `tcd unpack`
struct Unpack: ParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify an envelope and unpack it.",
        discussion: """
            Everything is verified and written beside the target first, and gets its name only when all is well. \
            Nothing that exists is ever replaced. On any error nothing is left behind.

            An envelope of a signer for whose name no key is pinned is unpacked as well; whose key it was, and how to \
            pin it, is told. One that was signed with another key than the pinned one, or that is addressed to another \
            key than that of this machine's identity, is refused (77).
            """)

    @Argument(help: ArgumentHelp("The envelope to unpack.", valueName: "file"), completion: .file())
    var file: String

    @Option(
        name: [.customShort("d"), .customLong("directory")],
        help: ArgumentHelp("Where to unpack; created if missing.", valueName: "dir"), completion: .directory)
    var directory = "."

    @Option(
        name: .customLong("sender-key"),
        help: ArgumentHelp("A public key that must have signed, 64 hexadecimal digits. Repeatable.", valueName: "hex"))
    var senderKeys: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("Refuse contents larger than this, for example 10G.", valueName: "size"))
    var maxSize: String?

    @Flag(name: .long, help: "Make symbolic links even if they lead out of the unpacked directory.")
    var allowOutsideLinks = false

    @OptionGroup var receiver: ReceiverOptions
    @OptionGroup var pins: PinOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        var unpacker = Unpacker()
        unpacker.allowsOutsideLinks = allowOutsideLinks
        if let maxSize {
            guard let limit = Quantity.parseBytes(maxSize) else {
                throw UsageError("--max-size '\(maxSize)' is not a size", remedy: "write for example 512M or 10G")
            }
            unpacker.limits.unpackedBytes = UInt64(limit)
        }
        var policy = try pins.policy(receiver: try receiver.receiver())
        policy.requiredKeys = try PinnedKeys.parse(senderKeys)
        let envelope = try EnvelopeFile(path: FilePath(file))
        let name = FilePath(file).lastComponent?.string ?? file
        let decision = policy.decide(EnvelopeVerdict(unpacking: envelope, arrivedAs: name))
        if let refusal = decision.refusal { throw refusal }
        output.explain(
            "verifying \(Quantity.count(envelope.manifest.blocks.count, "block")), "
                + "staged in '\(staging)' until all is well")
        let bar = ProgressBar("unpacking", quiet: output.json)
        unpacker.progress = bar.sink(total: envelope.manifest.decodedSize.map { Int64(clamping: $0) })
        defer { bar.finish() }
        let report = try unpacker.unpack(envelope, into: FilePath(directory))
        bar.finish()
        tell(report, envelope, decision)
    }

    /// The directory that has the temporary directory in it: the target, or what it is created in.
    private var staging: FilePath {
        var status = stat()
        let target = FilePath(directory)
        if stat(target.string, &status) == 0 { return target }
        let parent = target.lexicallyNormalized().removingLastComponent()
        return parent.isEmpty ? "." : parent
    }

    private func tell(_ report: Unpacker.Report, _ envelope: EnvelopeFile, _ decision: TrustDecision) {
        if output.json {
            Terminal.say(
                JSONLine(
                    [
                        ("event", "unpacked"), ("file", .text(file)), ("paths", .init(report.paths.map(\.string))),
                        ("hidden", .init(report.hidden.map(\.string))), ("links", .init(report.links.map(\.string))),
                        ("bytes", .number(Int64(clamping: report.bytes))),
                        ("verification_state", .text(decision.state.name)),
                        ("sender_aint", .text(envelope.manifest.senderName)),
                        ("sender_pubkey", .text(envelope.manifest.senderKey.hex)),
                    ] + decision.fields + [("tpid", .text(envelope.manifest.transferID.text))]))
            return
        }
        let shown = report.paths.prefix(5).map { VerdictReport.shown($0.string) }.joined(separator: ", ")
        let more = report.paths.count > 5 ? " and \(report.paths.count - 5) more" : ""
        let size = Quantity.bytes(Int64(clamping: report.bytes))
        Terminal.say(
            "✓ unpacked \(DisplayText.line(file, atMost: .max)) → \(shown)\(more) (\(size), \(decision.state))")
        if let signer = decision.signer {
            for line in [signer.title, signer.line] + (signer.advice.map { [$0] } ?? []) { Terminal.say("  " + line) }
        }
        for objection in decision.objections where objection.needsTriage { Terminal.say("  triage: \(objection)") }
        for path in report.hidden { Terminal.note("'\(path.string)' is hidden: its name begins with a dot") }
        for path in report.links {
            Terminal.note("'\(path.string)' is a symbolic link, and may point to what was in the directory before")
        }
    }
}
