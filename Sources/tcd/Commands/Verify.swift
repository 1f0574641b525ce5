internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// `tcd verify`
struct Verify: ParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify envelopes: structure, digests, signatures, and the name against the manifest.",
        discussion: """
            'Valid' means that everything in the envelope was signed by one key. Whose key that is, only a pin says \
            ('tcd trust'): the state continuation-approved is reached by the key that is pinned for the claimed name, \
            in an envelope that is addressed to this machine's identity or to no key.

            Exit status: 0 valid, 1 invalid (or not signed by a key of --sender-key), 2 valid but for triage: its name \
            contradicts its manifest, a former key of the sender signed it, or it is dated more than a day ahead, 77 \
            valid but refused: another key is pinned for the sender's name (or with --require-pinned, none is), or it \
            is addressed to another key. A file that cannot be read has the status of that error, mostly 66. With \
            several files it is that of the worst, in the order 0, 2, unreadable, 77, 1.
            """)

    @Argument(help: ArgumentHelp("The envelopes to verify.", valueName: "file"), completion: .file())
    var files: [String]

    @Option(
        name: .customLong("sender-key"),
        help: ArgumentHelp("A public key that may have signed, 64 hexadecimal digits. Repeatable.", valueName: "hex"))
    var senderKeys: [String] = []

    @Option(
        name: .customLong("receiver-key"),
        help: ArgumentHelp(
            "The key that envelopes have to be addressed to, 64 hexadecimal digits. Default: that of this machine's "
                + "identity, where there is one.", valueName: "hex"))
    var receiverKey: String?

    @OptionGroup var receiver: ReceiverOptions
    @OptionGroup var pins: PinOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        var policy = try pins.policy(receiver: try addressee())
        policy.requiredKeys = try PinnedKeys.parse(senderKeys)
        var worst = ExitStatus.done
        for file in files {
            let status = verify(file, by: policy)
            if Self.gravity(of: status) > Self.gravity(of: worst) { worst = status }
        }
        if worst != .done { throw worst.code }
    }

    private func addressee() throws -> TrustPolicy.Receiver {
        guard let receiverKey else { return try receiver.receiver() }
        guard !receiver.anyReceiver else { throw UsageError("--receiver-key and --any-receiver exclude each other") }
        return .identity(try PinnedKeys.parse(receiverKey))
    }

    /// Verifies one file and tells what was found, also if it cannot be read at all.
    private func verify(_ file: String, by policy: TrustPolicy) -> ExitStatus {
        let bar = ProgressBar("verifying \(DisplayText.line(file, atMost: .max))", quiet: output.json)
        defer { bar.finish() }
        let start = ContinuousClock.now
        let verdict: EnvelopeVerdict
        do {
            verdict = try EnvelopeVerifier().verify(FilePath(file), progress: bar.sink(total: nil)).verdict
        } catch {
            bar.finish()
            let report = FailureReport(error: error)
            Terminal.complain(error.description)
            if output.json { Terminal.say(JSONLine([("file", .text(file)), ("valid", .flag(false))] + report.fields)) }
            return report.status
        }
        bar.finish()
        let decision = policy.decide(verdict)
        tell(verdict, decision, of: file, time: .now - start)
        return status(of: verdict, decision, file)
    }

    /// How bad a status is: what is invalid is worse than what cannot be read, and that than what somebody should see.
    private static func gravity(of status: ExitStatus) -> Int {
        switch status {
        case .done: 0
        case .triage: 1
        case .refused: 3
        case .invalid: 4
        default: 2
        }
    }

    private func tell(_ verdict: EnvelopeVerdict, _ decision: TrustDecision, of file: String, time: Duration) {
        let report = VerdictReport(verdict: verdict, decision: decision)
        if output.json {
            Terminal.say(JSONLine([("file", .text(file))] + report.fields))
        } else {
            for (index, line) in report.lines.enumerated() {
                Terminal.say(index == 0 ? "\(line): \(DisplayText.line(file, atMost: .max))" : line)
            }
        }
        if let manifest = verdict.manifest {
            let blocks = Quantity.count(manifest.blocks.count, "block")
            output.explain(
                "'\(file)': tpid \(manifest.transferID), digests and signatures of \(blocks) checked in "
                    + "\(Quantity.milliseconds(time)) ms, \(Quantity.count(verdict.faults.count, "fault")) found")
        } else {
            output.explain("'\(file)': no block was looked at")
        }
    }

    private func status(of verdict: EnvelopeVerdict, _ decision: TrustDecision, _ file: String) -> ExitStatus {
        guard verdict.isValid else { return .invalid }
        if let refusal = decision.refusal {
            Terminal.complain("'\(file)': \(refusal)")
            // A key was asked for and is not the one: as good as another sender's envelope, whatever its name tells.
            return if case .otherKey = refusal { .invalid } else { .refused }
        }
        return decision.objections.contains(where: \.needsTriage) ? .triage : .done
    }
}

/// Public keys from the command line.
enum PinnedKeys {
    static func parse(_ texts: [String]) throws -> Set<PublicKey> {
        Set(try texts.map { try parse($0) })
    }

    static func parse(_ text: String) throws -> PublicKey {
        guard let key = PublicKey(hex: text) else {
            throw UsageError("'\(text)' is not a public key of 64 lower-case hexadecimal digits")
        }
        return key
    }
}
