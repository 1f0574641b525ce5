internal import Fabric
internal import Glibc
internal import SystemPackage
internal import Triage

/// The command of this machine that goes on with forks. Nothing of a token is ever part of it: what it is to work on it
/// finds by its last two arguments and by its environment.
struct ForkRunner: Sendable {
    /// The program and its arguments.
    let command: [String]
    /// How long it may take; nil for as long as it wants.
    let timeLimit: Duration?
    /// Its environment, without what is said of the fork.
    let environment: [String: String]

    /// What is handed on of this process's environment where it is set.
    static let handedOn: Set<String> = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE",
        "LC_MESSAGES", "LC_NUMERIC", "LC_TIME", "TZ", "TMPDIR",
    ]

    /// The problem of a command that was killed because time was up or this process is to end.
    static let stopped = "it was stopped"

    /// The most of a result that is read.
    private static let largestResult = UPIPStack.largestFile

    /// Goes on with a stored fork and says what came of it. Blocks.
    ///
    /// - Parameter isCancelled: Asked again and again; once it says so, the command is killed.
    func run(_ fork: StoredFork, token: ForkToken, files: FilePath?, _ isCancelled: () -> Bool) -> ForkEvidence.Run {
        let start = Timestamp.now()
        unlink(fork.resultPath.string)
        func ended(
            _ exitCode: Int64, _ problem: String?, hash: String = "", _ outcome: LocalProgram.Outcome? = nil
        ) -> ForkEvidence.Run {
            ForkEvidence.Run(
                command: command, startedAt: start, endedAt: .now(), exitCode: exitCode, succeeded: problem == nil,
                resumeHash: hash, outputDigest: outcome?.output.digest, errorsDigest: outcome?.errors.digest,
                problem: problem)
        }
        guard let name = command.first, let path = LocalProgram.find(name) else {
            return ended(127, "there is no program '\(command.first ?? "")'")
        }
        var program = LocalProgram(
            path, command.dropFirst() + [fork.path.string, files?.string ?? ""],
            environment: environment.merging(variables(fork, token, files)) { $1 })
        program.timeLimit = timeLimit
        program.passesErrorsOn = true
        do throws(LocalProgram.StartFailure) {
            let outcome = try program.run(isCancelled)
            if outcome.wasStopped { return ended(Int64(outcome.status), Self.stopped, hash: "", outcome) }
            guard outcome.status == 0 else {
                return ended(Int64(outcome.status), "it ended with \(outcome.status)", hash: "", outcome)
            }
            return ended(0, nil, hash: resumeHash(fork) ?? outcome.output.digest.description, outcome)
        } catch {
            return ended(126, error.explanation)
        }
    }

    private func variables(_ fork: StoredFork, _ token: ForkToken, _ files: FilePath?) -> [String: String] {
        [
            "TIBET_FORK_TOKEN": fork.path.string, "TIBET_FORK_FILES": files?.string ?? "",
            "TIBET_FORK_EVIDENCE": fork.evidencePath.string, "TIBET_FORK_RESULT": fork.resultPath.string,
            "TIBET_FORK_STEM": ForkName.stem(of: token),
        ]
    }

    /// The hash of what the command left: of the stack where it is one, else the first line. Nil where it left nothing
    /// that could be one.
    private func resumeHash(_ fork: StoredFork) -> String? {
        guard let bytes = try? ReplaceableFile.read(fork.resultPath, atMost: Self.largestResult) else { return nil }
        if let stack = try? UPIPStack(parsing: bytes) { return stack.hash }
        let line = bytes.prefix(257).prefix { $0 != 0x0a }
        let text = String(decoding: line, as: UTF8.self)
        let isPlain = (1...256).contains(line.count) && line.allSatisfy { (0x21...0x7e).contains($0) }
        return isPlain ? text : nil
    }
}
