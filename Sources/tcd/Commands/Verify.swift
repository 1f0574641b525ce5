internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// `tcd verify`
struct Verify: ParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify envelopes: structure, digests, signatures, and the name against the manifest.",
        discussion: """
            'Valid' means that everything in the envelope was signed by one key. Whose key that is nobody has proved, \
            unless it is among those given with --sender-key, or is pinned for the name that it claims ('tcd trust'); \
            only then the state continuation-approved is reached.

            Exit status: 0 valid, 1 invalid, 2 valid but for triage, because the name tells another story than the \
            manifest, 77 valid but signed with another key than the one pinned for the sender's name (or with \
            --require-pinned, none is pinned). A file that cannot be read has the status of that error, mostly 66. With \
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
            "Refuse envelopes that are addressed to another key than this, 64 hexadecimal digits.", valueName: "hex"))
    var receiverKey: String?

    @OptionGroup var pins: PinOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let signers = try pins.signers()
        var verifier = EnvelopeVerifier()
        verifier.pinnedSigners = signers.keys
        verifier.pinnedKeys = try PinnedKeys.parse(senderKeys)
        verifier.receiverKey = try receiverKey.map { try PinnedKeys.parse($0) }
        var worst = ExitStatus.done
        for file in files {
            let status = verify(file, with: verifier, signers)
            if Self.gravity(of: status) > Self.gravity(of: worst) { worst = status }
        }
        if worst != .done { throw worst.code }
    }

    /// Verifies one file and tells what was found, also if it cannot be read at all.
    private func verify(
        _ file: String, with verifier: EnvelopeVerifier, _ signers: PinnedSigners
    ) -> ExitStatus {
        let bar = ProgressBar("verifying \(file)", quiet: output.json)
        defer { bar.finish() }
        let start = ContinuousClock.now
        let verdict: EnvelopeVerdict
        do {
            verdict = try verifier.verify(FilePath(file), progress: bar.sink(total: nil)).verdict
        } catch {
            bar.finish()
            let report = FailureReport(error: error)
            Terminal.complain(error.description)
            if output.json { Terminal.say(JSONLine([("file", .text(file)), ("valid", .flag(false))] + report.fields)) }
            return report.status
        }
        bar.finish()
        let signer = verdict.manifest.map { signers.standing(of: $0.senderKey, claiming: $0.senderName) }
        tell(verdict, signer, of: file, time: .now - start)
        return status(of: verdict, signer, file, pinned: verifier.pinnedKeys)
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

    private func tell(_ verdict: EnvelopeVerdict, _ signer: SignerStanding?, of file: String, time: Duration) {
        let report = VerdictReport(verdict: verdict, signer: signer)
        if output.json {
            Terminal.say(JSONLine([("file", .text(file))] + report.fields))
        } else {
            for (index, line) in report.lines.enumerated() { Terminal.say(index == 0 ? "\(line): \(file)" : line) }
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

    private func status(
        of verdict: EnvelopeVerdict, _ signer: SignerStanding?, _ file: String, pinned: Set<PublicKey>
    ) -> ExitStatus {
        guard verdict.isValid, let manifest = verdict.manifest else { return .invalid }
        // A key was asked for and is not the one: as good as somebody else's envelope, whatever its name tells.
        guard pinned.isEmpty || pinned.contains(manifest.senderKey) else {
            Terminal.complain("'\(file)' was not signed by a key that was asked for")
            return .invalid
        }
        if let refusal = signer?.refusal {
            Terminal.complain("'\(file)': \(refusal.description)")
            return .refused
        }
        return verdict.needsTriage ? .triage : .done
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
