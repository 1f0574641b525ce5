internal import Fabric
internal import SystemPackage
internal import Triage

/// Requirements as one option gives them.
enum RequirementList {
    /// The requirements in a list with commas between them, which may also stand between the clauses of one of them.
    static func parse(_ list: String) throws -> [String] {
        var requirements: [String] = []
        for part in list.split(separator: ",") {
            let part = String(part.drop { $0 == " " })
            if let first = part.first, "<>=!~".contains(first), let last = requirements.popLast() {
                requirements.append("\(last),\(part)")
            } else if !part.isEmpty {
                requirements.append(part)
            }
        }
        for requirement in requirements where Requirement(requirement) == nil {
            throw UsageError(
                "'\(requirement)' is no requirement", remedy: "write a package and its versions, for example torch>=2.0"
            )
        }
        return requirements
    }
}

/// When a token is not to be taken up any more, as the command line gives it.
enum ForkExpiry {
    static func parse(_ text: String, at moment: Timestamp) throws -> Timestamp {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        if let count = Int64(digits), let unit = units[text.dropFirst(digits.count)], count > 0, count < 1 << 32 {
            return Timestamp(seconds: moment.seconds + count * unit)
        }
        guard let time = ForkTime.parse(text) else {
            throw UsageError(
                "--expires '\(text)' is no time", remedy: "write for example 24h, or 2026-05-14T06:41:48Z")
        }
        guard time > moment else { throw UsageError("--expires '\(text)' is over already") }
        return time
    }
}

/// The digest of a file that may be large.
enum FileDigest {
    static func of(_ path: FilePath) throws -> Digest {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        } catch let error as Errno {
            throw SystemFailure("cannot open '\(path)'", error)
        }
        defer { try? file.close() }
        var hasher = DigestHasher()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        do {
            while true {
                let count = try file.read(into: buffer)
                if count == 0 { return hasher.finish() }
                hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        } catch let error as Errno {
            throw SystemFailure("cannot read '\(path)'", error)
        }
    }
}

/// An output file that is there already.
struct TakenError: ExplainedError {
    let path: String

    var category: FailureCategory { .cannotCreate }
    var explanation: String { "'\(path)' exists" }
    var remedy: String? { "give another name, or --force" }
}
