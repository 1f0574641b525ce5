internal import Fabric
package import SystemPackage

extension HubStore {
    /// Copies a store in a file, as it is at one moment, to a new file of mode 0600, while a hub uses it.
    ///
    /// On return the copy is on stable storage and is a store of its own. On throw there is nothing at `target` that was
    /// not there before.
    /// - Throws: `exists` when there is something at `target`; `notSupported` for PostgreSQL; `misconfigured` when there is
    ///   no store.
    package static func backUp(_ location: StoreLocation, to target: FilePath) async throws(StoreError) {
        guard case .file(let source) = location else { throw .notSupported("a copy of the store") }
        try await BlockingCall.run { _ throws(StoreError) in
            try SQLiteCopy(source: source, target: target).make()
        }
    }
}
