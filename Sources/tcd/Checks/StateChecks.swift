internal import Fabric
internal import Glibc
internal import SystemPackage

/// Whether what is sent and remembered can be stored.
enum StateChecks {
    /// Below this much free space nothing much can be sent any more, in bytes.
    private static let least: Int64 = 64 << 20
    /// Below this much somebody should look, in bytes.
    private static let few: Int64 = 1 << 30

    static func all(in state: FilePath) -> [Check] { [writing(state), space(state), pins(state)] }

    private static func writing(_ state: FilePath) -> Check {
        let probe = state.appending(".doctor")
        do throws(SystemFailure) {
            try ReplaceableFile.replace(probe, with: Array("tcd doctor\n".utf8))
            unlink(probe.string)
            return .fine("state", "'\(state)' can be written")
        } catch {
            return .failed("state", error)
        }
    }

    private static func space(_ state: FilePath) -> Check {
        var info = statvfs()
        guard statvfs(state.string, &info) == 0 else {
            return .warning("space", "nobody knows how much space there is for '\(state)'", remedy: nil)
        }
        let (free, overflows) = Int64(clamping: info.f_bavail).multipliedReportingOverflow(by: Int64(info.f_frsize))
        let bytes = overflows ? .max : free
        let words = "\(Quantity.bytes(bytes)) free for '\(state)'"
        if bytes < least {
            return Check(subject: "space", state: .failed, detail: words, remedy: "free some space")
        }
        return bytes < few ? .warning("space", words, remedy: "free some space soon") : .fine("space", words)
    }

    private static func pins(_ state: FilePath) -> Check {
        do throws(TrustError) {
            return .fine("pins", Quantity.count(try TrustStore(state: state).pins().count, "key"))
        } catch {
            return .failed("pins", error)
        }
    }
}
