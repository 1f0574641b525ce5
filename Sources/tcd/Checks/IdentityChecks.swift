internal import Fabric

/// Whether envelopes can be signed.
enum IdentityChecks {
    static func check(_ directory: IdentityDirectory) -> [Check] {
        do throws(IdentityError) {
            let identity = try directory.load()
            // A key that does not verify what it signed would spoil every envelope.
            let probe = Array("tcd doctor".utf8)
            guard identity.publicKey.verifies(identity.key.sign(probe), over: probe) else {
                throw IdentityError.keysDiffer(directory.path)
            }
            return [.fine("identity", "'\(identity.name)' in '\(directory.path)', readable by its owner only")]
        } catch {
            if case .missing = error {
                return [
                    .warning(
                        "identity", error.explanation,
                        remedy: "'tcd send' makes one; or create it with 'tcd identity init'")
                ]
            }
            return [.failed("identity", error)]
        }
    }
}
